/* Network file systems, on which SQLite's locks and shared memory cannot be relied upon. */
#ifndef SB_NETFS_H
#define SB_NETFS_H

#include "simplebroker.h"

/* 1 if the path, or the nearest of its directories that exists, is on a network file system. */
int sb__is_network_fs(const char *path);

/* Tells the configuration's listener when the database lies on one. */
void sb__netfs_warn(const sb_config *config, const char *path);

#endif
