/* The path-safe rule: which texts are accepted as paths in settings, options and project files. */
#ifndef SB_PATH_RULES_H
#define SB_PATH_RULES_H

#include <stddef.h>

#include "simplebroker.h"

/* SB_OK, or SB_EINVALID with a message that begins with `what`, such as "Database filename". */
sb_status sb__path_check_safe(const char *what, const char *path, size_t len);

/* The same without a message. */
int sb__path_is_safe(const char *path, size_t len);

/*
 * Number of parts of a safe path, the root counting as one. With `backslash` that character
 * separates too.
 */
size_t sb__path_part_count(const char *path, size_t len, int backslash);

#endif
