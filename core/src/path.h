/*
 * Paths as pathlib sees them: joining, normalising, resolving symbolic links whether or not the end
 * exists. Paths are bytes; nothing here requires UTF-8. What comes out is freed with sb_free().
 */
#ifndef SB_PATH_H
#define SB_PATH_H

#include <stddef.h>

#include "simplebroker.h"

/* A path argument as a C string. SB_EINVALID if it holds a NUL. */
sb_status sb__path_from_arg(char **out, const char *text, size_t len);

/* `directory`/`name`; `name` alone if it is absolute or `directory` is empty. */
sb_status sb__path_join(char **out, const char *directory, const char *name);

/* Without "." components and doubled slashes, as str(Path(path)); an empty path becomes ".". */
sb_status sb__path_normalize(char **out, const char *path);

/* Absolute, links followed as far as the path exists, the rest and ".." taken lexically.
 * SB_EINVALID for a loop of links or a current directory that is gone. */
sb_status sb__path_resolve(char **out, const char *path);

/* Absolute and normalised, without following links. */
sb_status sb__path_absolute(char **out, const char *path);

/* "~" and "~user" at the beginning expanded. SB_EINVALID when there is no such home. */
sb_status sb__path_expand_user(char **out, const char *path);

/* The directory that a normalised path lies in. "/" lies in itself. */
sb_status sb__path_parent(char **out, const char *path);

/* Whether `path` is `directory` or lies beneath it; both absolute and normalised. */
int sb__path_is_beneath(const char *path, const char *directory);

sb_status sb__path_cwd(char **out);

#endif
