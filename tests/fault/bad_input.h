/*
 * What the tests of bad input share: the list of functions that each of them covers.
 */
#ifndef SB_FAULT_BAD_INPUT_H
#define SB_FAULT_BAD_INPUT_H

#include "operations.h"

/* One check may cover several functions; each is named by itself. */
typedef struct bad_case {
    const char *function;
    void (*check)(stage *st);
} bad_case;

/* Functions that take no broker, or whose arguments are of a kind of their own. */
extern const bad_case bad_cases[];
extern const size_t bad_case_count;

/* Ends the test unless `status` is one of the answers that bad input may have. */
void assert_refused(const char *function, sb_status status);

#endif
