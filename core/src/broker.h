/*
 * An open broker: connection, turn, timestamp and settings, shared by threads and kept alive by its
 * child handles. Operations enter through sb__enter() and leave through sb__leave().
 */
#ifndef SB_BROKER_H
#define SB_BROKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "backend.h"
#include "config.h"
#include "doorbell.h"
#include "maintenance.h"
#include "reader.h"
#include "runner.h"
#include "simplebroker.h"
#include "sql.h"
#include "timestamp.h"
#include "turn.h"

struct sb_broker {
    sb__runner runner; /* writes, and reads while nobody else writes */
    sb__reader reader; /* reads meanwhile */
    const sb__backend *backend; /* SQLite's over a caller's runner or connection */
    const sb__sql *sql;         /* the backend's dialect */
    sb_config *config;
    const sb__settings *settings; /* as they were at opening */
    sb__settings settings_copy;   /* the same; its texts are config's and not to be used */
    sb_target *target;            /* NULL over a runner or an adopted connection */
    sb__turn turn;
    sb__timestamp timestamp;
    sb__maintenance maintenance;
    sb__doorbell doorbell;        /* belongs to the turn's owner */
    sb_txn *txn;                  /* the open transaction; belongs to the turn's owner */

    _Atomic uint64_t pending_commits; /* commits that made something pending */
    _Atomic int64_t conflicts;    /* ids that were in use already */
    _Atomic int64_t resyncs;      /* repairs of the high-water */

    sb_trace_fn trace;
    void *trace_payload;
    sb_destroy_fn trace_destroy;

    atomic_int references;        /* the opener, child handles, running calls */
    atomic_int shell_references;  /* of the struct itself: the caller's handle, what it holds */
    atomic_int handed_over;       /* the caller has a handle, which sb_close() takes back */
    atomic_int closed;
    atomic_int forked;            /* inherited inside a transaction: SB_EFORK */
    atomic_int reopen;            /* inherited and closed: connect again at the next use */
    int fork_has_turn;            /* between the prepare and the parent or child handler */
    atomic_int backups;           /* under way on connections that a fork cannot close */
    atomic_int freed;             /* the shell is empty; see broker.c */
    sb_broker *next;              /* in the list of live brokers, or of closed shells */
};

/* Accounts of one call, for the trace and for what follows a mutation. */
typedef struct sb__call {
    sb_broker *broker;
    sb__runner *runner;    /* whose statements are run: the broker's, or its reader's */
    const char *operation; /* public name without "sb_" */
    int64_t start_ns;      /* 0 when nobody traces */
    int64_t rows;          /* delivered or changed */
    int64_t mutated;       /* messages that count for automatic vacuum */
    int32_t retries;
    sb__rings rings;       /* queues in which something became pending */
} sb__call;

/*
 * Begins a public call: clears the error, checks the handle and options. On SB_OK the broker stays
 * alive until sb__leave(), which traces, vacuums if due, and passes `status` through.
 */
sb_status sb__enter(sb__call *call, sb_broker *broker, const char *operation,
                    const sb_options *options);
sb_status sb__leave(sb__call *call, sb_status status);

/* Whether options (may be NULL) can be used: SB_OK; SB_EINVALID; SB_CANCELLED. */
sb_status sb__options_check(const sb_options *options);

/* The caller gets its handle. */
void sb__broker_hand_over(sb_broker *broker);

/* Keep a broker for a child handle. */
void sb__broker_retain(sb_broker *broker);
void sb__broker_release(sb_broker *broker);

sb_config *sb__broker_config(sb_broker *broker);

/* Path of the database's file; NULL where there is none: a runner's business, or in memory. */
const char *sb__broker_file(const sb_broker *broker);

/* Who is to be told of every broker that was closed, while child handles of it may be at work. */
void sb__broker_on_close(void (*fn)(const sb_broker *broker));

/* Resolves SB_NTS; a NULL text stays a NULL text of length 0. */
size_t sb__length(const char *text, size_t len);

#endif
