/*
 * Parameters of the core's own statements. They have at most SB__VALUES_INLINE of them, which are
 * kept in the list itself, so that adding them cannot fail.
 */
#ifndef SB_PARAMS_H
#define SB_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "value.h"

static inline sb__value *sb__params_next(sb_values *params, sb_type type)
{
    sb__value *value = &params->inline_items[params->count++];

    value->type = type;
    value->owned = 0;
    return value;
}

static inline void sb__params_add_text(sb_values *params, const char *text, size_t len)
{
    sb__value *value = sb__params_next(params, SB_TEXT);

    value->data = text;
    value->len = len;
}

static inline void sb__params_add_int64(sb_values *params, int64_t integer)
{
    sb__params_next(params, SB_INT64)->as.integer = integer;
}

/* One text alone: the name of a queue, mostly. */
static inline void sb__params_text(sb_values *params, const char *text, size_t len)
{
    sb__values_init(params);
    sb__params_add_text(params, text, len);
}

#endif
