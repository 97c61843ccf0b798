/*
 * Parameters of the core's own statements. They have at most SB__VALUES_INLINE of them, which are
 * kept in the list itself, so that adding them cannot fail.
 */
#ifndef SB_PARAMS_H
#define SB_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "value.h"

static inline void sb__params_add_text(sb_values *params, const char *text, size_t len)
{
    (void)sb__values_borrow(params, SB_TEXT, text, len);
}

static inline void sb__params_add_int64(sb_values *params, int64_t integer)
{
    (void)sb_values_add_int64(params, integer);
}

/* One text alone: the name of a queue, mostly. */
static inline void sb__params_text(sb_values *params, const char *text, size_t len)
{
    sb__values_init(params);
    sb__params_add_text(params, text, len);
}

#endif
