/*
 * Searching upward from a directory: for project files and for SQLite broker files. The search
 * follows physical parents and stays on one file system.
 */
#ifndef SB_DISCOVER_H
#define SB_DISCOVER_H

#include <stdint.h>

#include "config.h"
#include "simplebroker.h"

enum { SB__DISCOVER_DEPTH = 100 };

/* Where `directory`'s project file would be, resolved; it need not exist. */
sb_status sb__project_file_place(char **out, const char *directory, const sb__settings *settings);

/* The project file directly in a directory. SB_EMPTY: there is none. */
sb_status sb__project_file_in(char **out, const char *directory, const sb__settings *settings);

/* The project file found upward. SB_EMPTY: there is none. */
sb_status sb__project_file_upward(char **out, const char *directory, int32_t max_depth,
                                  const sb__settings *settings);

/* The initialised SQLite broker file found upward, resolved, and its project's directory.
 * SB_EMPTY: there is none; SB_EINVALID: no such directory to start from. */
sb_status sb__sqlite_file_upward(char **out_file, char **out_root, const char *directory,
                                 const sb__settings *settings);

#endif
