/*
 * SQL values: parameters of a statement and rows of its result. The core builds them on its stack
 * with borrowed texts, so that a statement of the hot path allocates nothing; the public functions
 * copy.
 */
#ifndef SB_VALUE_H
#define SB_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

typedef struct sb__value {
    sb_type type;
    int owned; /* data is ours, from sb_alloc() */
    union {
        int64_t integer;
        double number;
    } as;
    const char *data;
    size_t len;
} sb__value;

enum { SB__VALUES_INLINE = 8 };

struct sb_values {
    size_t count;
    size_t capacity;
    sb__value *items; /* inline_items until more are needed */
    sb__value inline_items[SB__VALUES_INLINE];
};

/* Makes stack storage usable. Needs sb__values_dispose() only if it may outgrow the inline items
 * or copies were added. */
static inline void sb__values_init(sb_values *values)
{
    values->count = 0;
    values->capacity = SB__VALUES_INLINE;
    values->items = values->inline_items;
}

void sb__values_dispose(sb_values *values);

/* Appends a text or blob that the caller keeps alive. */
sb_status sb__values_borrow(sb_values *values, sb_type type, const char *data, size_t len);

/* The next free item, or NULL when memory runs out; counted already. */
sb__value *sb__values_extend(sb_values *values);

#endif
