/* JSON as Python's json.loads() reads it. */
#ifndef SB_JSON_IN_H
#define SB_JSON_IN_H

#include <stddef.h>

#include <jansson.h>

#include "str.h"

typedef struct sb__json {
    json_t *value; /* owned */
    int repaired;  /* the text had lone surrogates or bytes that are not UTF-8 */
} sb__json;

/*
 * Reads one value of any type: 1, or 0 with a reason (which stays empty when memory ran out).
 * Unlike in strict JSON, NaN, infinities and numbers of any size pass (integers up to 4300 digits);
 * those that do not fit become a real. Characters that UTF-8 cannot hold become SB__JSON_LOST.
 */
int sb__json_read(sb__json *out, sb__str *reason, const char *text, size_t len);

/* Stands for a lone surrogate, and only where `repaired` is set. */
#define SB__JSON_LOST "\xF4\x8F\xBF\xBF"

#endif
