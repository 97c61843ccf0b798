/* Shell-style patterns over queue names. */
#ifndef SB_GLOB_H
#define SB_GLOB_H

#include <stddef.h>

/*
 * Whether a pattern matches a whole ASCII name: `*` any text, `?` any character, `[set]` and
 * `[!set]` one character, anything else itself. The time is at most the product of the lengths.
 */
int sb__glob_match(const char *pattern, size_t pattern_len, const char *name, size_t name_len);

/* Length of the literal part in front of the first `*`, `?` or `[`. */
size_t sb__glob_stem(const char *pattern, size_t len);

#endif
