/*
 * The live brokers of the process: for fork(), which must find them idle and close in the child
 * what was inherited, and for a thread that would wait for itself through a second broker.
 */
#ifndef SB_LINEAGE_H
#define SB_LINEAGE_H

#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"

/* Enters a broker that is about to be used; leaves the list again when it is freed. */
sb_status sb__lineage_add(sb_broker *broker);
void sb__lineage_remove(sb_broker *broker);

/* Whether waiting for the write lock of a broker's file makes sense: not if this thread holds it
 * through another broker. For sb__sqlite_set_may_wait(). */
int sb__lineage_may_wait(void *broker);

/* In a child process: its file cannot be used, since a connection to it was inherited at work. */
void sb__lineage_refuse(const sb__sqlite *sqlite);

/* SB_EFORK for a file that an inherited, open transaction makes unusable in this process. */
sb_status sb__lineage_check_path(const char *path);

#endif
