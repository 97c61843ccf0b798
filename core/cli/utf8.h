/*
 * UTF-8 as the command needs it: messages are checked before anything is stored, and error lines
 * must stay one readable line whatever the user typed.
 */
#ifndef BROKER_CLI_UTF8_H
#define BROKER_CLI_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at `text` and its code point; 0 when it is not valid UTF-8. */
size_t utf8_decode(uint32_t *out, const char *text, size_t size);

/* Length of the longest valid beginning: `size` when all of it is valid. */
size_t utf8_valid_length(const char *text, size_t size);

#endif
