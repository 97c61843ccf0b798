/* UTF-8 and Unicode as far as the contract needs them. */
#ifndef SB_TEXT_H
#define SB_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Length of the longest valid UTF-8 beginning of a text (no surrogates, no overlong forms). */
size_t sb__utf8_valid_prefix(const char *text, size_t len);

/* 1 if the whole text is valid UTF-8. Fast for ASCII: eight bytes a step. */
int sb__utf8_is_valid(const char *text, size_t len);

/* Replaces every invalid byte of a NUL-terminated text by '?', in place. */
void sb__text_repair_utf8(char *text);

/* Decodes one character of UTF-8, U+FFFD from a byte that begins none; returns its length. */
size_t sb__utf8_decode(uint32_t *out, const char *text, size_t len);

/* Number of characters of valid UTF-8. */
size_t sb__utf8_count(const char *text, size_t len);

/* Whether Python's str.strip() removes the character. */
int sb__is_unicode_space(uint32_t c);

/* Value 0-9 of a Unicode decimal digit (category Nd), -1 for anything else. */
int sb__unicode_digit(uint32_t c);

/* Narrows a text to what is left after stripping Unicode white space at both ends. */
void sb__text_strip(const char **text, size_t *len);

#endif
