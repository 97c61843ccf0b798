/*
 * The files that belong to a database `F`: `F-wal`, `F.lock` and so on. Their names are the whole
 * name of the database with a suffix.
 */
#ifndef SB_FILES_H
#define SB_FILES_H

#include "simplebroker.h"

/* `database` with `suffix` behind it; the caller frees. */
sb_status sb__companion_path(char **out, const char *database, const char *suffix);

/* Whether a name is that of a temporary of `base`.status: two numbers behind it, and no more. */
int sb__is_status_temporary(const char *name, const char *base);

/* Removes F.status and its temporaries, as far as possible: they speak of a file that is gone. */
void sb__files_forget_status(const char *database);

/*
 * Removes a database with all its files, links themselves and not what they lead to. Every deletion
 * is attempted: SB_OK when something was removed, SB_EMPTY when there was nothing, SB_EDATABASE
 * naming everything that could not be removed.
 */
sb_status sb__files_cleanup(const char *database);

/* Makes the directories above a path that are missing. */
sb_status sb__files_make_parents(const char *path);

#endif
