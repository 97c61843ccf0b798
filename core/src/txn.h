/*
 * The one transaction implementation. A mutation is a function that is run inside BEGIN IMMEDIATE
 * and COMMIT, again from its beginning after a lock error; a question is one that runs without a
 * transaction. Inside an explicit transaction both become part of it.
 */
#ifndef SB_TXN_H
#define SB_TXN_H

#include "broker.h"
#include "simplebroker.h"

/*
 * What runs inside. It may run several times and must begin from nothing each time. Returning
 * SB_OK commits; a positive status or a failure rolls back and is passed on.
 */
typedef sb_status (*sb__work_fn)(sb__call *call, void *context);

/* Runs a mutation. `statements` is 1 when the work is a single statement, which SQLite undoes by
 * itself when it fails inside an explicit transaction; more need a savepoint there. */
sb_status sb__mutate(sb__call *call, const sb_options *options, int statements, sb__work_fn work,
                     void *context);

/* Runs a question: no transaction of its own, allowed while this thread has an open batch. */
sb_status sb__ask(sb__call *call, const sb_options *options, sb__work_fn work, void *context);

/* The same for a question that any connection can answer: on the broker's second one while another
 * thread has the turn. The work runs its statements on call->runner. */
sb_status sb__look(sb__call *call, const sb_options *options, sb__work_fn work, void *context);

/* Takes the turn for work that manages transactions by itself (vacuum, backup, cursors); not
 * inside an explicit transaction. Give back with sb__turn_give(). */
sb_status sb__take_turn(sb__call *call, const sb_options *options);

/*
 * Begins a transaction that outlives the call, for a cursor's batch or sb_txn_begin(): takes the
 * turn and keeps it until sb__txn_end(). `what` names the holder in errors of others, for example
 * "claim_generator batch".
 */
sb_status sb__txn_start(sb_txn **out, sb__call *call, const sb_options *options, const char *what);
sb_status sb__txn_end(sb_txn *txn, int commit);

/* Whether this thread began it. */
int sb__txn_is_mine(const sb_txn *txn);

/* Counts messages changed inside an explicit transaction, for vacuum after its commit. */
void sb__txn_count(sb_txn *txn, int64_t mutated);

#endif
