/*
 * What the tests of bad input share: the list of functions that each of them covers.
 */
#ifndef SB_FAULT_BAD_INPUT_H
#define SB_FAULT_BAD_INPUT_H

#include "operations.h"

/* The arguments that calls on a broker have in common. */
typedef struct arguments {
    sb_broker *broker;
    const sb_options *options;
    const char *name; /* of a queue */
    size_t name_len;
    int64_t id;
    size_t limit;
    const char *body;
    size_t body_len;
} arguments;

enum traits {
    HAS_OPTIONS = 1,
    HAS_NAME = 2,
    HAS_ID = 4,
    HAS_LIMIT = 8,
    HAS_BODY = 16,
    NAME_OF_ALIAS = 64, /* with rules of its own */
    NO_GREAT_ID = 128,  /* great ids are not refused, but lasting: not tried */
    NO_NAME_IS_ANY = 256 /* NULL is allowed */
};

typedef struct broker_call {
    const char *function;
    sb_status (*call)(const arguments *a);
    unsigned traits;
} broker_call;

extern const broker_call broker_calls[];
extern const size_t broker_call_count;

/* One check may cover several functions; each is named by itself. */
typedef struct bad_case {
    const char *function;
    void (*check)(stage *st);
} bad_case;

/* Functions that take no broker, or whose arguments are of a kind of their own. */
extern const bad_case bad_cases[];
extern const size_t bad_case_count;

/* One of them, beside the calls whose helpers it shares. */
void check_watchers(stage *st);

/* Ends the test unless `status` is one of the answers that bad input may have. */
void assert_refused(const char *function, sb_status status);

#endif
