/*
 * Python objects made and read in C, many in one call: a call from Python into C costs as much as
 * what it fetches. A list is passed as its id(), which is its address; the caller keeps it alive.
 */
#ifndef SBPY_OBJECTS_H
#define SBPY_OBJECTS_H

#include "simplebroker.h"

/* Appends all messages of a batch to a list: bodies, or tuples of body and id. -1 if that failed:
 * a body is not UTF-8, or memory ran out. */
int sbpy_take(uintptr_t list, const sb_messages *messages, int with_ids);

/*
 * sb_claim() and sb_peek() of one message, which is appended to a list as by sbpy_take(): the most
 * frequent calls, in one crossing. SB_EOPERATIONAL when it could not be.
 */
sb_status sbpy_claim_one(uintptr_t list, sb_broker *broker, const char *queue, size_t queue_len,
                         const sb_options *options, int with_ids);
sb_status sbpy_peek_one(uintptr_t list, sb_broker *broker, const char *queue, size_t queue_len,
                        const sb_options *options, int with_ids);

/* Appends to a list, as sbpy_take() does, what a cursor has at hand. SB_OK, or what sb_cursor_next()
 * returned; SB_ENOMEM. */
sb_status sbpy_cursor_take(uintptr_t list, sb_cursor *cursor, int with_ids);

/*
 * Append to a batch what is in a list from index *next on: bodies for one queue, or tuples of queue,
 * body and id. SB_OK, or SB_EMPTY: item *next was not appended, since it is not exactly of these
 * types, no UTF-8, or no id; or a failure of sb_messages_add().
 */
sb_status sbpy_add_bodies(sb_messages *messages, uintptr_t list, size_t *next, const char *queue,
                          size_t queue_len);
sb_status sbpy_add_records(sb_messages *messages, uintptr_t list, size_t *next);

/* Appends the ids of a batch to a list; -1 if memory ran out. */
int sbpy_take_ids(uintptr_t list, const sb_messages *messages);

/* Appends SQL values to a list: int, bool, float, str, bytes or None each. -1 as above. */
int sbpy_take_values(uintptr_t list, const sb_values *values);

/* Appends what a runner is called with: the text of the statement, and a tuple of the values. -1 as
 * above. */
int sbpy_take_call(uintptr_t list, const char *sql, size_t sql_len, const sb_values *params);

/*
 * Delivers rows out of a list, from index *next on, as sb_rows_push() does, and with its result.
 * SB_EMPTY: row *next was not delivered, since it is no tuple of exactly the types above, or one of
 * its values is more than SQL can hold.
 */
sb_status sbpy_push(sb_rows *rows, uintptr_t list, size_t *next);

/*
 * End what a variable holds, and clear it: in one step, so that Ctrl-C comes before or after. Harmless
 * when it is cleared already.
 */
sb_status sbpy_txn_commit(sb_txn **txn);
void sbpy_txn_rollback(sb_txn **txn);
void sbpy_cursor_close(sb_cursor **cursor);

#endif
