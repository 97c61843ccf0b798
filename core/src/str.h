/* A growing byte string with a final NUL, for building texts. */
#ifndef SB_STR_H
#define SB_STR_H

#include <stddef.h>

#include "error.h"
#include "simplebroker.h"

typedef struct sb__str {
    char *data; /* NULL while empty; from sb_alloc() */
    size_t len;
    size_t capacity;
    int failed; /* memory ran out: later appends do nothing, and sb__str_take() reports it */
} sb__str;

#define SB__STR_INIT {NULL, 0, 0, 0}

void sb__str_append(sb__str *str, const char *text, size_t len);
void sb__str_append_text(sb__str *str, const char *text);
void sb__str_append_char(sb__str *str, char c);
void sb__str_append_format(sb__str *str, const char *format, ...) SB__PRINTF(2, 3);

/* Empties the string, keeping its memory. */
void sb__str_reset(sb__str *str);

/* SB_ENOMEM, with the error set, if any append failed. */
sb_status sb__str_check(const sb__str *str);

/* Hands the text to the caller, who frees it with sb_free(); the string is empty afterwards. */
sb_status sb__str_take(char **out, size_t *out_len, sb__str *str);

void sb__str_dispose(sb__str *str);

#endif
