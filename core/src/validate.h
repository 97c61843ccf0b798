/*
 * Whether a file is an initialised broker database, found out without adopting or changing it.
 *
 * Files are only read through SQLite: in a process with live connections to a database, closing any
 * other descriptor of it would drop SQLite's POSIX locks.
 */
#ifndef SB_VALIDATE_H
#define SB_VALIDATE_H

#include "simplebroker.h"

/*
 * SB_OK for an initialised broker of any schema version, else SB_EDATABASE with the reason;
 * SB_EOPERATIONAL, retryable, while somebody has locked the whole file.
 */
sb_status sb__sqlite_file_validate(const char *path);

/* 1 if the file begins as SQLite databases do. Nothing is locked and no other file is made. */
int sb__sqlite_file_has_header(const char *path);

#endif
