/*
 * simplebroker.h - a durable message queue in one SQLite file
 *
 * This header is the contract of the library: what is not in it is not API. Conventions that every
 * function follows, unless its own comment says otherwise:
 *
 * Strings go in as pointer and length in bytes and are copied; a length of SB_NTS means "up to the
 * terminating NUL". A NULL pointer is an absent string and is allowed only where said. Strings that
 * come out are UTF-8 with a length and a final NUL; a `const char *` is borrowed from the object it
 * came from, a `char *` is the caller's and is freed with sb_free().
 *
 * Queue names are 1 to 512 characters out of [A-Za-z0-9_.-], not beginning with '.' or '-'. Names
 * are literal: aliases are resolved by sb_queue_resolve() only. Message bodies are UTF-8 of any
 * content, NUL and emptiness included. Message ids are 64-bit hybrid timestamps: nanoseconds since
 * 1970 with the low 12 bits used as a counter; they are unique in a broker, positive, below 2^63.
 *
 * Order of parameters: out-parameters first, then the object, then the rest, then `options`, and
 * last a callback with its `payload`. Out-parameters may be NULL where the result is not wanted,
 * unless it is a handle; they are set on success, and handles are set to NULL on any other result.
 *
 * Errors: a function that can fail returns sb_status: 0 for success, a positive value for an
 * expected "no" (such as SB_EMPTY), a negative value for a failure. The detail of the last failure
 * (message, retryable, outcome ambiguous, SQLite code) is kept per thread, is cleared on entry of
 * each function that returns sb_status, and is left alone by getters, close and free functions.
 * Besides the listed codes every such function can return SB_EINVALID for a NULL or out-of-range
 * argument and SB_ENOMEM when memory runs out; every function on a broker also SB_ECLOSED,
 * SB_EFORK, SB_CANCELLED, SB_EBUSY_OWNER, SB_EOPERATIONAL, SB_EDATABASE and SB_EUSER. Wrong input
 * is reported before anything is changed; after a failure nothing is changed, unless
 * sb_error_outcome_ambiguous() says otherwise, and the handle stays usable.
 *
 * Ownership: what a function returns through `out` is freed with the function named in its comment.
 * Arguments stay the caller's, after success as after failure. Close and free functions accept
 * NULL. A child handle (cursor, transaction, dump, load) keeps its broker alive: close in any
 * order.
 *
 * Threads: sb_broker, sb_config, sb_target and sb_cancel may be shared by threads. Every other
 * handle belongs to one thread at a time. Callbacks run on the thread that made the call, without
 * any lock of the library held; a callback must not unwind (longjmp, exceptions) through it.
 *
 * Fork: a broker opened before fork() works in the child too; it reopens its file at the next use.
 * Handles that were inside a transaction answer SB_EFORK in the child, as does their database.
 */
#ifndef SIMPLEBROKER_H
#define SIMPLEBROKER_H

#include <stddef.h>
#include <stdint.h>

#ifndef SB_EXTERN
#if defined(_WIN32)
#define SB_EXTERN
#elif defined(__GNUC__)
#define SB_EXTERN __attribute__((visibility("default")))
#else
#define SB_EXTERN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants ------------------------------------------------------------------------------ */

/** Version of this header; sb_version() gives that of the library at run time. @since 0.1 */
enum {
    SB_VERSION_MAJOR = 0,
    SB_VERSION_MINOR = 1,
    SB_VERSION_PATCH = 0
};

/** As a string length: the string ends at its first NUL. @since 0.1 */
enum { SB_NTS = -1 };

/** Sizes that the contract fixes. @since 0.1 */
enum {
    SB_QUEUE_NAME_MAX = 512, /**< longest queue name, in bytes */
    SB_ID_DIGITS = 19,       /**< decimal digits of a formatted message id */
    SB_ID_SIZE = 20,         /**< the same with the final NUL */
    SB_SCHEMA_VERSION = 5    /**< schema that this library writes, and the newest it opens */
};

/**
 * The one list of results: XX(name, number, family, text). Numbers are never reused. The family is
 * the exception class of the language bindings.
 */
#define SB_STATUS_MAP(XX)                                                                          \
    XX(OK, 0, None, "success")                                                                     \
    XX(EMPTY, 1, None, "nothing matched")                                                          \
    XX(EXISTS, 2, None, "already there")                                                           \
    XX(INTERRUPTED, 3, None, "a signal handler ran")                                               \
    XX(ERROR, -1, BrokerError, "internal error")                                                   \
    XX(ENOMEM, -2, MemoryError, "out of memory")                                                   \
    XX(EINVALID, -3, ValueError, "invalid argument")                                               \
    XX(EQUEUENAME, -4, QueueNameError, "invalid queue name")                                       \
    XX(EMESSAGE, -5, MessageError, "invalid message body")                                         \
    XX(ECONFIG, -6, InvalidConfigError, "invalid configuration")                                   \
    XX(ETIMESTAMP, -7, TimestampError, "timestamp error")                                          \
    XX(EDATABASE, -8, DatabaseError, "storage error")                                              \
    XX(EOPERATIONAL, -9, OperationalError, "storage operation failed")                             \
    XX(EINTEGRITY, -10, IntegrityError, "integrity violation")                                     \
    XX(EDATA, -11, DataError, "invalid data")                                                      \
    XX(ERUNTIME, -12, RuntimeError, "operation not possible")                                      \
    XX(CANCELLED, -13, StopException, "cancelled")                                                 \
    XX(ECLOSED, -14, RuntimeError, "handle is closed")                                             \
    XX(EFORK, -15, RuntimeError, "handle belongs to the forked process's parent")                  \
    XX(EBUSY_OWNER, -16, RuntimeError, "this thread already holds the broker")                     \
    XX(EUSER, -17, CallbackError, "a callback failed")                                             \
    XX(ESIDECAR, -18, SidecarUnavailableError, "sidecar SQL is not available")                     \
    XX(ETHREAD, -19, OperationalError, "handle belongs to another thread")                         \
    XX(EIO, -20, OSError, "input or output failed")

/** Results of functions. See SB_STATUS_MAP. @since 0.1 */
typedef enum sb_status {
#define SB_STATUS_ENUM(name, number, family, text) SB_##name = (number),
    SB_STATUS_MAP(SB_STATUS_ENUM)
#undef SB_STATUS_ENUM
    SB_STATUS_FORCE_INT = 0x7fffffff
} sb_status;

/** Bits of sb_options.flags; each function names those it looks at. @since 0.1 */
enum {
    SB_INCLUDE_CLAIMED = 1,  /**< peek, search, move: claimed rows too */
    SB_CREATE_MISSING = 2,   /**< sb_broadcast_to(): also queues that do not exist yet */
    SB_KEEP_ALIASES = 4,     /**< sb_rename(): leave aliases pointing at the old name */
    SB_AT_LEAST_ONCE = 8,    /**< sb_cursor_open(): commit a batch when the next one is asked for */
    SB_COMPACT = 16,         /**< sb_vacuum(): also rebuild the file */
    SB_FORCE = 32,           /**< sb_load_open(): accept a header from far in the future */
    SB_WITHOUT_STATS = 64,   /**< sb_queues_list(): names only, which is cheaper */
    SB_UTF8 = 128,           /**< claim, move, peek: nothing but SB_EOPERATIONAL for a body that is
                                  no UTF-8, which only another program can have stored */
    SB_TAKING = 256,         /**< sb_waiter_add(): who waits takes the messages away, so that one of
                                  several in this process is woken for each */
    SB_IF_CHANGED = 512      /**< sb_waiter_wait(): when the time is over and nobody has committed
                                  anything to the database since it last was, it begins anew */
};

/** Kinds of cursor. @since 0.1 */
typedef enum sb_cursor_kind {
    SB_CURSOR_CLAIM = 1,
    SB_CURSOR_PEEK = 2,
    SB_CURSOR_MOVE = 3
} sb_cursor_kind;

/** Types of the values in an sb_values. @since 0.1 */
typedef enum sb_type {
    SB_NULL = 0,
    SB_INT64 = 1,
    SB_DOUBLE = 2,
    SB_TEXT = 3,
    SB_BLOB = 4,
    SB_BOOL = 5 /**< configuration and target options only; an SQL value is an SB_INT64 */
} sb_type;

/** Phases of sb_runner.setup. @since 0.1 */
typedef enum sb_setup_phase {
    SB_SETUP_CONNECTION = 1,
    SB_SETUP_SCHEMA = 2,
    SB_SETUP_OPTIMIZATION = 3
} sb_setup_phase;

/** What a database keeps about itself, for sb_runner_read(). @since 0.1 */
typedef enum sb_stored_value {
    SB_STORED_MAGIC = 1,          /**< text: whose database it is */
    SB_STORED_SCHEMA_VERSION = 2, /**< integer */
    SB_STORED_LAST_TS = 3,        /**< integer: the high-water of message ids */
    SB_STORED_ALIAS_VERSION = 4,  /**< integer: grows with every change of an alias */
    SB_STORED_DATA_VERSION = 5,   /**< integer: SQLite's counter of foreign commits */
    SB_STORED_SIZE = 6            /**< integer: bytes of the main file */
} sb_stored_value;

/** What a warning is about. @since 0.1 */
typedef enum sb_warning {
    SB_WARN_CONFIG = 1,         /**< a setting was ignored */
    SB_WARN_PROJECT_FILE = 2,   /**< a project file exposes a password or is readable by others */
    SB_WARN_ALIAS = 3,          /**< a new alias hides a queue that has messages */
    SB_WARN_TIMESTAMP = 4,      /**< an id was in use already; the high-water was repaired */
    SB_WARN_CLOCK_SKEW = 5,     /**< a dump's high-water is ahead of the local clock */
    SB_WARN_NETWORK_FS = 6,     /**< the database is on a network file system */
    SB_WARN_CHECKPOINT = 7,     /**< a foreign connection can hit SQLite's WAL-reset bug */
    SB_WARN_POLLING = 8         /**< waiters poll, since nothing can wake them; once a database */
} sb_warning;

/** Questions to sb_feature(). @since 0.1 */
typedef enum sb_feature_id {
    SB_FEATURE_SAFE_CHECKPOINTS = 1, /**< checkpoints run under the writer lock */
    SB_FEATURE_FORK_SAFE = 2,        /**< inherited connections are closed in a child */
    SB_FEATURE_GROUP_COMMIT = 3,     /**< writes of several threads share a commit */
    SB_FEATURE_WAKEUPS = 4           /**< waiters are woken without polling */
} sb_feature_id;

/** Texts of sb_error_field(). @since 0.1 */
typedef enum sb_error_field_id {
    SB_ERROR_KEY = 1,      /**< SB_ECONFIG: the key */
    SB_ERROR_SOURCE = 2,   /**< SB_ECONFIG: environment, override or default */
    SB_ERROR_EXPECTED = 3, /**< SB_ECONFIG: what would have been accepted */
    SB_ERROR_VALUE = 4     /**< SB_ECONFIG: the value as it may be shown */
} sb_error_field_id;

/* ---- types ---------------------------------------------------------------------------------- */

typedef struct sb_broker sb_broker;     /**< an open broker */
typedef struct sb_config sb_config;     /**< the 32 settings */
typedef struct sb_target sb_target;     /**< which backend, which file or server */
typedef struct sb_messages sb_messages; /**< a batch of messages in one piece of memory */
typedef struct sb_queues sb_queues;     /**< names and counts of queues */
typedef struct sb_aliases sb_aliases;   /**< alias names with their targets */
typedef struct sb_strings sb_strings;   /**< a list of strings */
typedef struct sb_values sb_values;     /**< a list of SQL values: parameters, or one row */
typedef struct sb_rows sb_rows;         /**< where a runner delivers rows */
typedef struct sb_cursor sb_cursor;     /**< a stream of messages */
typedef struct sb_waiter sb_waiter;     /**< sleeps until a message comes */
typedef struct sb_watcher sb_watcher;   /**< hands the messages of a queue to a function */
typedef struct sb_txn sb_txn;           /**< an explicit transaction */
typedef struct sb_dump sb_dump;         /**< a dump under way */
typedef struct sb_load sb_load;         /**< a load under way */
typedef struct sb_generator sb_generator; /**< message ids over a caller's high-water */
typedef struct sb_setup_lock sb_setup_lock; /**< the lock of a database's set-up, held */
typedef struct sb_cancel sb_cancel;     /**< a switch that ends blocking calls */
typedef struct sb_error sb_error;       /**< an owned copy of an error's detail */
struct sqlite3;                         /**< SQLite's connection */

/**
 * Frees what a callback's payload holds. Called exactly once for each payload handed over, also
 * when handing it over failed; on any thread, without locks.
 */
typedef void (*sb_destroy_fn)(void *payload);

/**
 * Progress of long work.
 * @param payload what was registered
 * @param done    units finished: messages or pages
 * @param total   units in all, or -1 while unknown
 * @return 0 to go on; anything else ends the work with SB_CANCELLED
 */
typedef int (*sb_progress_fn)(void *payload, int64_t done, int64_t total);

/**
 * Asked by a call while it waits, on its thread. It may use other brokers; a call on a broker that
 * this thread works on or waits for is refused with SB_EBUSY_OWNER.
 * @param payload what was registered
 * @return 0 to wait on; anything else ends the call with SB_CANCELLED, with the message of
 *         sb_error_set() if that was the callback's last act
 */
typedef int (*sb_poll_fn)(void *payload);

/**
 * A warning; the call that caused it goes on.
 * @param payload what was registered
 * @param kind    what it is about
 * @param text    one line, NUL-terminated; borrowed for the call
 */
typedef void (*sb_warning_fn)(void *payload, sb_warning kind, const char *text);

/**
 * One finished operation.
 * @param payload     what was registered
 * @param operation   the public function's name without "sb_", static
 * @param duration_ns wall time, waiting included
 * @param rows        messages or rows delivered or changed
 * @param retries     repetitions after a lock error
 * @param status      result
 */
typedef void (*sb_trace_fn)(void *payload, const char *operation, int64_t duration_ns, int64_t rows,
                            int32_t retries, sb_status status);

/**
 * One row of a result.
 * @param payload what was given
 * @param row     the values; borrowed for the call
 * @return SB_OK to go on; anything else ends the statement with SB_EUSER
 */
typedef sb_status (*sb_row_fn)(void *payload, const sb_values *row);

/**
 * Where a load that is not for an sb_broker puts an alias.
 * @param payload   what was given
 * @param alias     UTF-8, unchecked; borrowed for the call
 * @param alias_len its length
 * @param target    UTF-8, unchecked; borrowed for the call
 * @param target_len its length
 * @return SB_OK; a failure ends the load, with sb_error_set() as the last act
 */
typedef sb_status (*sb_load_alias_fn)(void *payload, const char *alias, size_t alias_len,
                                      const char *target, size_t target_len);

/**
 * Where it puts a batch of at most 1000 messages, all or none of which should apply.
 * @param payload  what was given
 * @param messages ids are positive; names and bodies are unchecked: a body that is no UTF-8 was a
 *                 text with lone surrogates; borrowed for the call
 * @return SB_OK; a failure ends the load, with sb_error_set() as the last act
 */
typedef sb_status (*sb_load_messages_fn)(void *payload, const sb_messages *messages);

/**
 * How it raises the high-water at the end.
 * @param payload what was given
 * @param last_ts the header's
 * @return SB_OK; a failure ends the load, with sb_error_set() as the last act
 */
typedef sb_status (*sb_load_advance_fn)(void *payload, int64_t last_ts);

/**
 * Options of a call, or of opening a broker. Initialise with sb_options_init(), which sets the
 * defaults given here; NULL in a call means all defaults. Bindings use sb_options_new() and the
 * setters. Members are only ever appended.
 */
typedef struct sb_options {
    uint32_t version;               /**< set by sb_options_init() */
    uint32_t size;                  /**< set by sb_options_init() */
    sb_cancel *cancel;              /**< ends waiting; NULL (default): nothing does */
    int64_t timeout_ms;             /**< longest wait for locks; -1 (default): the usual budgets */
    sb_txn *txn;                    /**< run inside this transaction; NULL (default): alone */
    int64_t after;                  /**< only ids above this one; -1 (default): no bound */
    int64_t before;                 /**< only ids below this one; -1 (default): no bound */
    uint32_t flags;                 /**< SB_INCLUDE_CLAIMED and so on; 0 by default */
    uint32_t reserved;              /**< 0 */
    sb_progress_fn progress;        /**< called now and then by long work; NULL by default */
    void *progress_payload;         /**< borrowed for the call */
} sb_options;

/** Version for sb_options_init() and sb_runner_init(). @since 0.1 */
enum { SB_OPTIONS_VERSION = 1, SB_RUNNER_VERSION = 1 };

/**
 * Runs one statement. Required.
 * @param payload the runner's own
 * @param sql     one statement, with `?` or `?N` placeholders; NUL-terminated; borrowed for the
 *                call
 * @param sql_len its length in bytes
 * @param params  the values to bind; borrowed for the call
 * @param rows    where to deliver rows with sb_rows_push(); NULL when no rows are wanted
 * @return SB_OK; what sb_rows_push() returned, if that was not SB_OK; else a failure, with
 *         sb_error_set() as the last act
 */
typedef sb_status (*sb_runner_run_fn)(void *payload, const char *sql, size_t sql_len,
                                      const sb_values *params, sb_rows *rows);

/**
 * Begins an immediate transaction, commits it or rolls it back. Required. commit and rollback are
 * only called inside a transaction, on the thread that began it.
 * @param payload the runner's own
 * @return SB_OK or a failure, with sb_error_set() as the last act
 */
typedef sb_status (*sb_runner_txn_fn)(void *payload);

/**
 * Prepares a phase of the database, or tells whether that has been done. Optional.
 * @param payload the runner's own
 * @param phase   which one
 * @return setup: SB_OK or a failure. is_setup_complete: SB_OK done, SB_EMPTY not done, or a failure
 */
typedef sb_status (*sb_runner_setup_fn)(void *payload, sb_setup_phase phase);

/**
 * Rows changed by the statement just run. Optional: without it the library asks with RETURNING.
 * @param payload the runner's own
 */
typedef int64_t (*sb_runner_changes_fn)(void *payload);

/**
 * Releases the runner's connection. Optional. Called when the broker that owns the runner closes,
 * before `destroy` of its payload.
 * @param payload the runner's own
 */
typedef void (*sb_runner_close_fn)(void *payload);

/**
 * Who executes the SQL: the extension point for connections, pools, threads and mocks. Initialise
 * with sb_runner_init(); required members must then be set. Members are only ever appended.
 * Always called on the thread that made the call on the broker.
 */
typedef struct sb_runner {
    uint32_t version;                       /**< set by sb_runner_init() */
    uint32_t size;                          /**< set by sb_runner_init() */
    sb_runner_run_fn run;                   /**< required */
    sb_runner_txn_fn begin_immediate;       /**< required */
    sb_runner_txn_fn commit;                /**< required */
    sb_runner_txn_fn rollback;              /**< required */
    sb_runner_close_fn close;               /**< optional */
    sb_runner_setup_fn setup;               /**< optional */
    sb_runner_setup_fn is_setup_complete;   /**< optional */
    sb_runner_changes_fn changes;           /**< optional */
} sb_runner;

/* ---- library -------------------------------------------------------------------------------- */

/** The library's version as text, such as "0.1.0"; static. @since 0.1 */
SB_EXTERN const char *sb_version(void);

/** The library's version as major * 1000000 + minor * 1000 + patch. @since 0.1 */
SB_EXTERN int32_t sb_version_number(void);

/** Version of the SimpleBroker contract that the library follows: "7.3.2"; static. @since 0.1 */
SB_EXTERN const char *sb_contract_version(void);

/**
 * Tells whether this build has a feature.
 * @param feature which one
 * @return 1 if it has, else 0 (also for unknown numbers)
 * @since 0.1
 */
SB_EXTERN int sb_feature(sb_feature_id feature);

/** Version of the SQLite library in use, such as "3.40.1"; static. @since 0.1 */
SB_EXTERN const char *sb_sqlite_version(void);

/**
 * Whether the SQLite in use has the WAL-reset bug (3.7.0 to 3.51.2 less the repaired lines).
 * Brokers opened by path are protected from it; two foreign connections can still hurt each other.
 * @return 1 if it has, else 0
 * @since 0.1
 */
SB_EXTERN int sb_sqlite_has_wal_reset_bug(void);

/** Allocates memory; a runner's malloc. @since 0.1 */
typedef void *(*sb_malloc_fn)(size_t size);
/** Changes the size of memory; a runner's realloc. @since 0.1 */
typedef void *(*sb_realloc_fn)(void *memory, size_t size);
/** Frees memory; NULL is harmless. @since 0.1 */
typedef void (*sb_free_fn)(void *memory);

/**
 * Replaces the allocator of the whole process. Before any other use of the library.
 * @param malloc_fn  required
 * @param realloc_fn required
 * @param free_fn    required
 * @return SB_OK; SB_ERUNTIME when memory has been allocated already
 * @since 0.1
 */
SB_EXTERN sb_status sb_allocator_set(sb_malloc_fn malloc_fn, sb_realloc_fn realloc_fn,
                                     sb_free_fn free_fn);

/**
 * Allocates memory from the library's allocator.
 * @param size bytes; 0 gives a unique pointer
 * @return memory to be freed with sb_free(), or NULL
 * @since 0.1
 */
SB_EXTERN void *sb_alloc(size_t size);

/**
 * Frees what sb_alloc() gave and every `char *` that came out of a function.
 * @param memory may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_free(void *memory);

/* ---- errors --------------------------------------------------------------------------------- */

/** Name of a status without "SB_", such as "EMPTY"; "UNKNOWN" for others; static. @since 0.1 */
SB_EXTERN const char *sb_status_name(sb_status status);
/** Short text of a status; static. @since 0.1 */
SB_EXTERN const char *sb_status_text(sb_status status);
/** Exception class of a status in the bindings, such as "OperationalError"; static. @since 0.1 */
SB_EXTERN const char *sb_status_family(sb_status status);

/**
 * Status of an error.
 * @param error NULL means the calling thread's last one, here and in the getters below
 * @return SB_OK when the last call did not fail
 * @since 0.1
 */
SB_EXTERN sb_status sb_error_status(const sb_error *error);

/**
 * One line that tells what went wrong; "" when nothing did.
 * @param error may be NULL
 * @return borrowed: from the error, or valid until this thread's next call that returns a status
 * @since 0.1
 */
SB_EXTERN const char *sb_error_message(const sb_error *error);

/**
 * Whether trying again can help, as far as whoever failed has said so. SQLite does not say: there
 * the code (SQLITE_BUSY, SQLITE_LOCKED) or the wording "database is locked" tells.
 * @param error may be NULL
 * @return 1 yes, 0 no, -1 not said
 * @since 0.1
 */
SB_EXTERN int sb_error_retryable(const sb_error *error);

/**
 * Whether the failed change may have become durable all the same.
 * @param error may be NULL
 * @return 1 if it may, else 0
 * @since 0.1
 */
SB_EXTERN int sb_error_outcome_ambiguous(const sb_error *error);

/**
 * SQLite's extended result code behind an error.
 * @param error may be NULL
 * @return the code, or 0 if SQLite did not fail
 * @since 0.1
 */
SB_EXTERN int sb_error_sqlite_code(const sb_error *error);

/**
 * Line of the input that an error is about.
 * @param error may be NULL
 * @return the line of a load's or project file's input, from 1; 0 for other errors
 * @since 0.1
 */
SB_EXTERN int64_t sb_error_line(const sb_error *error);

/**
 * A further text of an error.
 * @param error may be NULL
 * @param field which one
 * @return borrowed as by sb_error_message(); "" where there is none
 * @since 0.1
 */
SB_EXTERN const char *sb_error_field(const sb_error *error, sb_error_field_id field);

/**
 * Copies the calling thread's last error.
 * @return to be freed with sb_error_free(); NULL when memory ran out
 * @since 0.1
 */
SB_EXTERN sb_error *sb_error_save(void);

/** Frees a saved error. @param error may be NULL @since 0.1 */
SB_EXTERN void sb_error_free(sb_error *error);

/**
 * Sets the calling thread's error detail, from inside a runner or callback, as its last act.
 * @param status      what the callback is about to return; a failure
 * @param message     one line
 * @param message_len its length
 * @param retryable   1, 0, or -1 for "not said" (lock errors are then recognised by their wording)
 * @return `status`
 * @since 0.1
 */
SB_EXTERN sb_status sb_error_set(sb_status status, const char *message, size_t message_len,
                                 int retryable);

/* ---- options and cancellation --------------------------------------------------------------- */

/**
 * Fills options with their defaults.
 * @param options the caller's
 * @param version SB_OPTIONS_VERSION
 * @return SB_OK; SB_EINVALID for a version this library does not know
 * @since 0.1
 */
SB_EXTERN sb_status sb_options_init(sb_options *options, uint32_t version);

/**
 * Options on the heap, for bindings.
 * @return to be freed with sb_options_free(), or NULL
 * @since 0.1
 */
SB_EXTERN sb_options *sb_options_new(void);

/** Frees options. @param options may be NULL @since 0.1 */
SB_EXTERN void sb_options_free(sb_options *options);

/**
 * Sets sb_options.cancel.
 * @param options not NULL
 * @param cancel  may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_options_set_cancel(sb_options *options, sb_cancel *cancel);

/**
 * Sets sb_options.timeout_ms.
 * @param options    not NULL
 * @param timeout_ms -1: default
 * @since 0.1
 */
SB_EXTERN void sb_options_set_timeout(sb_options *options, int64_t timeout_ms);

/**
 * Sets sb_options.txn.
 * @param options not NULL
 * @param txn     may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_options_set_txn(sb_options *options, sb_txn *txn);

/**
 * Sets both bounds.
 * @param options not NULL
 * @param after   -1: none
 * @param before  -1: none
 * @since 0.1
 */
SB_EXTERN void sb_options_set_bounds(sb_options *options, int64_t after, int64_t before);

/**
 * Sets sb_options.flags.
 * @param options not NULL
 * @param flags   bits
 * @since 0.1
 */
SB_EXTERN void sb_options_set_flags(sb_options *options, uint32_t flags);

/**
 * Sets the progress callback.
 * @param options  not NULL
 * @param progress may be NULL
 * @param payload  borrowed
 * @since 0.1
 */
SB_EXTERN void sb_options_set_progress(sb_options *options, sb_progress_fn progress, void *payload);

/**
 * Makes a switch that ends blocking calls with SB_CANCELLED. One switch may serve many calls.
 * @param[out] out to be freed with sb_cancel_free(), after the calls that use it
 * @return SB_OK, SB_EIO when no descriptor is left
 * @since 0.1
 */
SB_EXTERN sb_status sb_cancel_new(sb_cancel **out);

/** Frees a switch. @param cancel may be NULL @since 0.1 */
SB_EXTERN void sb_cancel_free(sb_cancel *cancel);
/** Throws the switch, from any thread or signal handler. @param cancel may be NULL @since 0.1 */
SB_EXTERN void sb_cancel_set(sb_cancel *cancel);
/** Makes the switch usable again. @param cancel may be NULL @since 0.1 */
SB_EXTERN void sb_cancel_reset(sb_cancel *cancel);
/** Whether it has been thrown: 1 or 0. @param cancel may be NULL @since 0.1 */
SB_EXTERN int sb_cancel_is_set(const sb_cancel *cancel);

/**
 * A descriptor that is readable while the switch is thrown; borrowed.
 * @param cancel not NULL
 * @since 0.1
 */
SB_EXTERN int sb_cancel_fd(const sb_cancel *cancel);

/**
 * Has a callback asked, by each call that waits with this switch, whether to wait on: for a lock, a
 * turn, a pause before trying again. The answer ends that call alone and leaves the switch as it
 * is, so that one switch can serve all calls of a process, its callback deciding by the thread. A
 * call that need not wait never asks; one that waits asks at most every 10 ms.
 * @param cancel  may be NULL; not in use by a call while this is changed
 * @param poll    NULL: nobody is asked
 * @param payload borrowed until the switch is freed
 * @since 0.1
 */
SB_EXTERN void sb_cancel_on_poll(sb_cancel *cancel, sb_poll_fn poll, void *payload);

/**
 * Tells that this thread forks next. No callback of sb_cancel_on_poll() is asked from now until it
 * has; returns when none is being asked any more, after at most 1 s. For hosts that hold a lock of
 * their own during the fork which those callbacks need, such as an interpreter's: a thread that waits
 * for it in the middle of an operation would keep its broker from being ready for the fork.
 * @since 0.1
 */
SB_EXTERN void sb_fork_soon(void);

/* ---- lists ---------------------------------------------------------------------------------- */

/** A new empty list. @return to be freed with sb_strings_free(), or NULL @since 0.1 */
SB_EXTERN sb_strings *sb_strings_new(void);
/** Frees a list. @param strings may be NULL @since 0.1 */
SB_EXTERN void sb_strings_free(sb_strings *strings);

/**
 * Appends a copy.
 * @param strings not NULL
 * @param text    not NULL
 * @param text_len its length
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_strings_add(sb_strings *strings, const char *text, size_t text_len);

/** Number of strings. @param strings may be NULL: 0 @since 0.1 */
SB_EXTERN size_t sb_strings_count(const sb_strings *strings);

/**
 * One string.
 * @param[out] out_len its length
 * @param strings not NULL
 * @param index   from 0
 * @return borrowed; NULL beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_strings_get(size_t *out_len, const sb_strings *strings, size_t index);

/** A new empty list of values. @return to be freed with sb_values_free(), or NULL @since 0.1 */
SB_EXTERN sb_values *sb_values_new(void);
/** Frees a list that sb_values_new() made. @param values may be NULL @since 0.1 */
SB_EXTERN void sb_values_free(sb_values *values);
/** Empties a list for the next use. @param values not NULL @since 0.1 */
SB_EXTERN void sb_values_clear(sb_values *values);

/**
 * Appends NULL.
 * @param values not NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_add_null(sb_values *values);

/**
 * Appends an integer.
 * @param values not NULL
 * @param value  the value
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_add_int64(sb_values *values, int64_t value);

/**
 * Appends a number.
 * @param values not NULL
 * @param value  the value
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_add_double(sb_values *values, double value);

/**
 * Appends a copy of a text.
 * @param values   not NULL
 * @param text     not NULL
 * @param text_len its length
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_add_text(sb_values *values, const char *text, size_t text_len);

/**
 * Appends a text without copying it: it stays the caller's, unchanged until the list is cleared or
 * freed. For the rows of a runner, say, which are looked at during sb_rows_push() only.
 * @param values   not NULL
 * @param text     not NULL
 * @param text_len its length
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_lend_text(sb_values *values, const char *text, size_t text_len);

/**
 * Appends a copy of bytes.
 * @param values not NULL
 * @param bytes  NULL only if empty
 * @param size   bytes
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_values_add_blob(sb_values *values, const void *bytes, size_t size);

/** Number of values. @param values may be NULL: 0 @since 0.1 */
SB_EXTERN size_t sb_values_count(const sb_values *values);

/**
 * Type of a value; SB_NULL beyond the end.
 * @param values not NULL
 * @param index  from 0
 * @since 0.1
 */
SB_EXTERN sb_type sb_values_type(const sb_values *values, size_t index);

/**
 * A value as integer; 0 if it is not a number.
 * @param values not NULL
 * @param index  from 0
 * @since 0.1
 */
SB_EXTERN int64_t sb_values_int64(const sb_values *values, size_t index);

/**
 * A value as number; 0 if it is not one.
 * @param values not NULL
 * @param index  from 0
 * @since 0.1
 */
SB_EXTERN double sb_values_double(const sb_values *values, size_t index);

/**
 * A text or blob.
 * @param[out] out_len its length; 0 for other types
 * @param values not NULL
 * @param index  from 0
 * @return borrowed until the list changes; NULL if it is neither text nor blob. Values handed to a
 *         callback need not end in NUL
 * @since 0.1
 */
SB_EXTERN const char *sb_values_text(size_t *out_len, const sb_values *values, size_t index);

/**
 * Delivers a row, from inside sb_runner.run.
 * @param rows as given to run
 * @param row  the values in column order; copied as far as needed
 * @return SB_OK; anything else is to be returned from run at once
 * @since 0.1
 */
SB_EXTERN sb_status sb_rows_push(sb_rows *rows, const sb_values *row);

/**
 * A new empty batch, for sb_insert() and sb_write_many().
 * @return to be freed with sb_messages_free(), or NULL
 * @since 0.1
 */
SB_EXTERN sb_messages *sb_messages_new(void);

/** Frees a batch. @param messages may be NULL @since 0.1 */
SB_EXTERN void sb_messages_free(sb_messages *messages);

/**
 * Appends a message to a batch; nothing is checked yet.
 * @param messages  not NULL
 * @param queue     not NULL
 * @param queue_len its length
 * @param body      not NULL
 * @param body_len  its length
 * @param id        its id
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_messages_add(sb_messages *messages, const char *queue, size_t queue_len,
                                    const char *body, size_t body_len, int64_t id);

/** Number of messages. @param messages may be NULL: 0 @since 0.1 */
SB_EXTERN size_t sb_messages_count(const sb_messages *messages);

/**
 * Id of a message; 0 beyond the end.
 * @param messages not NULL
 * @param index    from 0
 * @since 0.1
 */
SB_EXTERN int64_t sb_messages_id(const sb_messages *messages, size_t index);

/**
 * Body of a message.
 * @param[out] out_len its length in bytes
 * @param messages not NULL
 * @param index    from 0
 * @return borrowed; "" for results of sb_search(); NULL beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_messages_body(size_t *out_len, const sb_messages *messages, size_t index);

/**
 * Queue of a message that was added or is being loaded.
 * @param[out] out_len its length in bytes
 * @param messages not NULL
 * @param index    from 0
 * @return borrowed; NULL for results of queries and beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_messages_queue(size_t *out_len, const sb_messages *messages, size_t index);

/** Number of queues. @param queues may be NULL: 0 @since 0.1 */
SB_EXTERN size_t sb_queues_count(const sb_queues *queues);

/**
 * Name of a queue.
 * @param[out] out_len its length
 * @param queues not NULL
 * @param index  from 0
 * @return borrowed; NULL beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_queues_name(size_t *out_len, const sb_queues *queues, size_t index);

/**
 * Pending messages of a queue.
 * @param queues not NULL
 * @param index  from 0
 * @since 0.1
 */
SB_EXTERN int64_t sb_queues_pending(const sb_queues *queues, size_t index);

/**
 * Claimed messages of a queue that are not vacuumed yet.
 * @param queues not NULL
 * @param index  from 0
 * @since 0.1
 */
SB_EXTERN int64_t sb_queues_claimed(const sb_queues *queues, size_t index);

/** Frees a list of queues. @param queues may be NULL @since 0.1 */
SB_EXTERN void sb_queues_free(sb_queues *queues);

/** Number of aliases. @param aliases may be NULL: 0 @since 0.1 */
SB_EXTERN size_t sb_aliases_count(const sb_aliases *aliases);

/**
 * Name of an alias.
 * @param[out] out_len its length
 * @param aliases not NULL
 * @param index   from 0
 * @return borrowed; NULL beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_aliases_name(size_t *out_len, const sb_aliases *aliases, size_t index);

/**
 * Target of an alias.
 * @param[out] out_len its length
 * @param aliases not NULL
 * @param index   from 0
 * @return borrowed; NULL beyond the end
 * @since 0.1
 */
SB_EXTERN const char *sb_aliases_target(size_t *out_len, const sb_aliases *aliases, size_t index);

/** Frees a list of aliases. @param aliases may be NULL @since 0.1 */
SB_EXTERN void sb_aliases_free(sb_aliases *aliases);

/* ---- configuration -------------------------------------------------------------------------- */

/**
 * Reads all settings from the environment (BROKER_*), afresh at every call.
 * @param[out] out to be freed with sb_config_free()
 * @return SB_OK; SB_ECONFIG for an invalid variable, with the fields of sb_error_field()
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_from_environment(sb_config **out);

/**
 * The built-in defaults; the environment is not read.
 * @param[out] out to be freed with sb_config_free()
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_isolated(sb_config **out);

/**
 * A copy that can be changed independently; the warning callback is not copied.
 * @param[out] out to be freed with sb_config_free()
 * @param config not NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_copy(sb_config **out, const sb_config *config);

/**
 * Frees a configuration; brokers opened with it keep what they need.
 * @param config may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_config_free(sb_config *config);

/**
 * Overrides a setting with a text, normalised as the environment's texts are. Not while other
 * threads use the configuration. The two BROKER_PROJECT_CONFIG_* settings are checked together: to
 * change both, first set the name to ".broker.toml", then the path, then the name.
 * @param config    not NULL
 * @param key       such as "BROKER_SYNC_MODE"
 * @param key_len   its length
 * @param value     the text
 * @param value_len its length
 * @return SB_OK; SB_ECONFIG for an unknown key or invalid value, the setting then unchanged
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_set_text(sb_config *config, const char *key, size_t key_len,
                                       const char *value, size_t value_len);

/**
 * Overrides a setting with an integer; see sb_config_set_text().
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @param value   the value
 * @return as there
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_set_int64(sb_config *config, const char *key, size_t key_len,
                                        int64_t value);

/**
 * Overrides a setting with a number; see sb_config_set_text().
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @param value   the value
 * @return as there
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_set_double(sb_config *config, const char *key, size_t key_len,
                                         double value);

/**
 * Overrides a setting with a truth value; see sb_config_set_text().
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @param value   0 or 1
 * @return as there
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_set_bool(sb_config *config, const char *key, size_t key_len,
                                       int value);

/**
 * Refuses a value of a type that no setting takes, as the functions above refuse what they are
 * given: bindings have more types than this header. Secrets are not shown.
 * @param key       its name, or any other text for an unknown key
 * @param key_len   its length
 * @param shown     the value as it may be shown; shortened to 160 characters
 * @param shown_len its length
 * @return SB_ECONFIG
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_refuse(const char *key, size_t key_len, const char *shown,
                                     size_t shown_len);

/** Number of settings: 32. @since 0.1 */
SB_EXTERN size_t sb_config_key_count(void);

/**
 * Name of a setting; static; NULL beyond the end.
 * @param index from 0, in the contract's order
 * @since 0.1
 */
SB_EXTERN const char *sb_config_key(size_t index);

/** Type of a setting: SB_INT64, SB_DOUBLE, SB_BOOL or SB_TEXT. @param index from 0 @since 0.1 */
SB_EXTERN sb_type sb_config_key_type(size_t index);

/**
 * Reads a normalised setting of type SB_INT64 or SB_BOOL.
 * @param[out] out the value
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @return SB_OK; SB_EINVALID for an unknown key or another type
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_get_int64(int64_t *out, const sb_config *config, const char *key,
                                        size_t key_len);

/**
 * Reads a setting of type SB_DOUBLE; see sb_config_get_int64().
 * @param[out] out the value
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @return as there
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_get_double(double *out, const sb_config *config, const char *key,
                                         size_t key_len);

/**
 * Reads a setting of type SB_TEXT; see sb_config_get_int64().
 * @param[out] out borrowed until the setting is changed
 * @param[out] out_len its length
 * @param config  not NULL
 * @param key     its name
 * @param key_len its length
 * @return as there
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_get_text(const char **out, size_t *out_len, const sb_config *config,
                                       const char *key, size_t key_len);

/**
 * Registers who hears warnings about this configuration, its targets, and the brokers opened with
 * it. A later registration replaces an earlier one. Warnings that arose while the environment was
 * read, or before a registration, are delivered at once.
 * @param config  not NULL
 * @param fn      NULL: nobody
 * @param payload handed to fn
 * @param destroy frees payload; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_config_on_warning(sb_config *config, sb_warning_fn fn, void *payload,
                                         sb_destroy_fn destroy);

/* ---- targets -------------------------------------------------------------------------------- */

/**
 * Target of a SQLite file. The path is made absolute, `~` expanded and links resolved; the file
 * need not exist.
 * @param[out] out to be freed with sb_target_free()
 * @param path     not NULL, not empty
 * @param path_len its length
 * @return SB_OK; SB_EDATABASE for a path that cannot be resolved
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_sqlite(sb_target **out, const char *path, size_t path_len);

/**
 * Target of the command line: explicit file, project file, discovered file, server, default file.
 * The six steps stand in the configuration contract; where BROKER_DEFAULT_DB_LOCATION and an
 * explicit directory disagree, the explicit directory wins.
 * @param[out] out     to be freed with sb_target_free()
 * @param config       not NULL
 * @param directory    value of --dir; NULL when absent
 * @param directory_len its length
 * @param file         value of --file; NULL when absent
 * @param file_len     its length
 * @param for_init     1 for the init command, else 0
 * @return SB_OK; SB_EINVALID with the reason; SB_EOPERATIONAL, SB_EIO and SB_ERUNTIME as
 *         sb_target_discover()
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_select(sb_target **out, const sb_config *config,
                                     const char *directory, size_t directory_len, const char *file,
                                     size_t file_len, int for_init);

/** What sb_target_check() is to make sure of. @since 0.1 */
enum {
    SB_CHECK_PATHS = 1,         /**< the rules for directories and file names of a command */
    SB_CHECK_SQLITE = 2,        /**< an existing file looks like a SQLite database */
    SB_CHECK_INITIALIZED = 4,   /**< for project files and servers: it exists and is a broker's */
    SB_CHECK_CLEANUP = 8        /**< only the texts of the directory and the file name */
};

/**
 * Checks a selected target as the command does before its work. Reads the file system only.
 * @param target a result of sb_target_select()
 * @param config the same as there
 * @param checks bits of SB_CHECK_PATHS and so on
 * @return SB_OK; SB_EINVALID or SB_EDATABASE with the reason; SB_ERUNTIME for an unavailable
 *         backend
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_check(const sb_target *target, const sb_config *config,
                                    uint32_t checks);

/**
 * Target of one directory: project file in exactly that directory, server, default file in it.
 * @param[out] out      to be freed with sb_target_free()
 * @param directory     NULL: BROKER_DEFAULT_DB_LOCATION, else the current directory
 * @param directory_len its length
 * @param config        not NULL
 * @return SB_OK; SB_EINVALID for a bad project file; SB_EIO for one that cannot be read;
 *         SB_ERUNTIME for an unavailable backend
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_for_directory(sb_target **out, const char *directory,
                                            size_t directory_len, const sb_config *config);

/**
 * Target found by searching upward: project file, SQLite file, server.
 * @param[out] out      to be freed with sb_target_free()
 * @param directory     where to start; NULL: the current directory
 * @param directory_len its length
 * @param config        not NULL
 * @return SB_OK; SB_EMPTY when there is none; SB_EINVALID for a missing directory or a bad file;
 *         SB_EOPERATIONAL when a candidate is locked; SB_EIO for a file that cannot be read;
 *         SB_ERUNTIME for an unavailable backend
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_discover(sb_target **out, const char *directory, size_t directory_len,
                                       const sb_config *config);

/**
 * Target that a project file describes.
 * @param[out] out to be freed with sb_target_free()
 * @param path     of the project file
 * @param path_len its length
 * @param config   not NULL
 * @return SB_OK; SB_EINVALID with the reason; SB_EIO when it cannot be read; SB_ERUNTIME for an
 *         unavailable backend
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_from_project_file(sb_target **out, const char *path, size_t path_len,
                                                const sb_config *config);

/**
 * Path of the project file found upward.
 * @param[out] out     the caller's, freed with sb_free()
 * @param[out] out_len its length
 * @param directory     where to start; NULL: the current directory
 * @param directory_len its length
 * @param max_depth     levels to look at; 100 is usual
 * @param config        not NULL
 * @return SB_OK; SB_EMPTY when there is none, or no such directory
 * @since 0.1
 */
SB_EXTERN sb_status sb_project_file_find(char **out, size_t *out_len, const char *directory,
                                         size_t directory_len, int32_t max_depth,
                                         const sb_config *config);

/**
 * Path where a directory's project file would be, existing or not.
 * @param[out] out      the caller's, freed with sb_free()
 * @param[out] out_len  its length
 * @param directory     NULL: the current directory
 * @param directory_len its length
 * @param config        not NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_project_file_path(char **out, size_t *out_len, const char *directory,
                                         size_t directory_len, const sb_config *config);

/**
 * Another reference to a target.
 * @param target may be NULL
 * @return `target`
 * @since 0.1
 */
SB_EXTERN sb_target *sb_target_retain(sb_target *target);

/** Releases a target. @param target may be NULL @since 0.1 */
SB_EXTERN void sb_target_free(sb_target *target);
/** Backend of a target, such as "sqlite"; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const char *sb_target_backend(const sb_target *target);
/** Path or server address, with credentials; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const char *sb_target_address(const sb_target *target);
/** The address with passwords masked; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const char *sb_target_display(const sb_target *target);
/** Directory of the project; NULL if none; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const char *sb_target_project_root(const sb_target *target);
/** Path of the project file; NULL if none; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const char *sb_target_config_path(const sb_target *target);

/**
 * Whether the target was found through the project scope: 1 or 0.
 * @param target not NULL
 * @since 0.1
 */
SB_EXTERN int sb_target_used_project_scope(const sb_target *target);

/**
 * Whether the target is a plain SQLite path, not of a project file: 1 or 0.
 * @param target not NULL
 * @since 0.1
 */
SB_EXTERN int sb_target_is_plain_path(const sb_target *target);

/** Names of the backend options, sorted; borrowed. @param target not NULL @since 0.1 */
SB_EXTERN const sb_strings *sb_target_option_names(const sb_target *target);

/**
 * Values of the backend options, in the order of their names; borrowed.
 * @param target not NULL
 * @since 0.1
 */
SB_EXTERN const sb_values *sb_target_option_values(const sb_target *target);

/**
 * A target as one line of JSON, credentials included.
 * @param[out] out     the caller's, freed with sb_free()
 * @param[out] out_len its length
 * @param target       not NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_serialize(char **out, size_t *out_len, const sb_target *target);

/**
 * The target that sb_target_serialize() wrote.
 * @param[out] out to be freed with sb_target_free()
 * @param text     the JSON
 * @param text_len its length
 * @return SB_OK; SB_EINVALID with the reason
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_deserialize(sb_target **out, const char *text, size_t text_len);

/**
 * Makes sure that a target exists and is an initialised broker, without adopting anything.
 * @param target not NULL
 * @param config not NULL
 * @return SB_OK; SB_EDATABASE with the reason
 * @since 0.1
 */
SB_EXTERN sb_status sb_target_verify(const sb_target *target, const sb_config *config);

/**
 * Creates an initialised broker at a target.
 * @param target not NULL
 * @param config not NULL
 * @return SB_OK created; SB_EXISTS already one, nothing changed; SB_EDATABASE a file of another
 *         kind
 * @since 0.1
 */
SB_EXTERN sb_status sb_init(const sb_target *target, const sb_config *config);

/**
 * Deletes a target with all its files. Nobody may be using it.
 * @param target not NULL
 * @param config not NULL
 * @return SB_OK deleted; SB_EMPTY nothing was there; SB_EDATABASE not a broker's (nothing deleted),
 *         or the files that could not be deleted
 * @since 0.1
 */
SB_EXTERN sb_status sb_cleanup(const sb_target *target, const sb_config *config);

/* ---- opening -------------------------------------------------------------------------------- */

/**
 * Opens a broker, creating or migrating the database where needed.
 * @param[out] out to be closed with sb_close()
 * @param target   not NULL
 * @param config   NULL: the environment's
 * @param options  cancel, timeout_ms; may be NULL
 * @return SB_OK; SB_EDATABASE not a database; SB_ERUNTIME wrong magic, newer schema, no backend
 * @since 0.1
 */
SB_EXTERN sb_status sb_open(sb_broker **out, const sb_target *target, const sb_config *config,
                            const sb_options *options);

/**
 * Opens a broker in a SQLite file; sb_target_sqlite() and sb_open() in one.
 * @param[out] out to be closed with sb_close()
 * @param path     of the file
 * @param path_len its length
 * @param config   NULL: the environment's
 * @param options  cancel, timeout_ms; may be NULL
 * @return as sb_open()
 * @since 0.1
 */
SB_EXTERN sb_status sb_open_path(sb_broker **out, const char *path, size_t path_len,
                                 const sb_config *config, const sb_options *options);

/**
 * Opens a broker over a caller's own runner. The schema is set up through it.
 * @param[out] out to be closed with sb_close()
 * @param runner   its members are copied
 * @param payload  handed to the members
 * @param destroy  frees payload when the broker closes, and when opening fails; may be NULL
 * @param config   NULL: the environment's
 * @param options  cancel, timeout_ms; may be NULL
 * @return as sb_open(); SB_EUSER or the runner's own status when it fails
 * @since 0.1
 */
SB_EXTERN sb_status sb_open_runner(sb_broker **out, const sb_runner *runner, void *payload,
                                   sb_destroy_fn destroy, const sb_config *config,
                                   const sb_options *options);

/**
 * Opens a broker over an application's own SQLite connection, which stays the caller's, keeps its
 * checkpoint policy, and must outlive the broker. While the application has a transaction open on
 * it, operations become part of that transaction.
 * @param[out] out to be closed with sb_close()
 * @param db       not NULL; used by one thread at a time
 * @param config   NULL: the environment's
 * @param options  cancel, timeout_ms; may be NULL
 * @return as sb_open()
 * @since 0.1
 */
SB_EXTERN sb_status sb_open_sqlite(sb_broker **out, struct sqlite3 *db, const sb_config *config,
                                   const sb_options *options);

/**
 * Closes a broker: marks it closed, waits at most 5 s for running calls, and releases it. The last
 * running call or child handle frees it. Inside a callback the closing is deferred to its end.
 * @param broker may be NULL; not usable afterwards
 * @since 0.1
 */
SB_EXTERN void sb_close(sb_broker *broker);

/**
 * Closes a broker like sb_close(), but leaves the handle valid: calls with it answer SB_ECLOSED until
 * sb_close() takes it back. For hosts that cannot know whether a thread is about to use it.
 * @param broker may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_shut(sb_broker *broker);

/**
 * Registers who hears of every finished operation. A later registration replaces an earlier one.
 * Not while other threads use the broker.
 * @param broker  not NULL
 * @param fn      NULL: nobody
 * @param payload handed to fn
 * @param destroy frees payload; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_broker_on_trace(sb_broker *broker, sb_trace_fn fn, void *payload,
                                       sb_destroy_fn destroy);

/**
 * Whether a broker's checkpoints run under the writer lock: 1, or 0 over an adopted connection
 * or a caller's runner, whose owner decides.
 * @param broker not NULL
 * @since 0.1
 */
SB_EXTERN int sb_broker_has_safe_checkpoints(const sb_broker *broker);

/**
 * Fills a runner with no members set.
 * @param runner  the caller's
 * @param version SB_RUNNER_VERSION
 * @return SB_OK; SB_EINVALID for a version this library does not know
 * @since 0.1
 */
SB_EXTERN sb_status sb_runner_init(sb_runner *runner, uint32_t version);

/* ---- set-up by parts, for runners made outside the library ---------------------------------- */

/**
 * Makes the file of a database, its directories included, or checks the one that is there; it is
 * in WAL mode then. Tables are the schema's matter: sb_open_runner() makes them.
 * @param path     of the file
 * @param path_len its length
 * @param held     its set-up lock, if the caller holds it; NULL: it is taken meanwhile
 * @param options  cancel, timeout_ms; may be NULL
 * @return SB_OK; SB_EDATABASE a file that is no database; SB_ERUNTIME one that is not a broker's
 * @since 0.1
 */
SB_EXTERN sb_status sb_setup_file(const char *path, size_t path_len, const sb_setup_lock *held,
                                  const sb_options *options);

/**
 * Takes the lock under which all implementations set a database up.
 * @param[out] out to be released with sb_setup_lock_release(), by any thread
 * @param path     of the database
 * @param path_len its length
 * @param options  cancel, timeout_ms (20 s at most); may be NULL
 * @return SB_OK; SB_EOPERATIONAL, retryable while somebody else holds it
 * @since 0.1
 */
SB_EXTERN sb_status sb_setup_lock_take(sb_setup_lock **out, const char *path, size_t path_len,
                                       const sb_options *options);

/** Releases it. @param lock may be NULL @since 0.1 */
SB_EXTERN void sb_setup_lock_release(sb_setup_lock *lock);

/**
 * Whether a phase of a database's set-up is marked as done, by whomever.
 * @param path     of the database
 * @param path_len its length
 * @param phase    which one
 * @return SB_OK done; SB_EMPTY not
 * @since 0.1
 */
SB_EXTERN sb_status sb_setup_is_done(const char *path, size_t path_len, sb_setup_phase phase);

/**
 * Marks a phase as done, as far as the file system allows; while holding the lock.
 * @param path     of the database
 * @param path_len its length
 * @param phase    which one
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_setup_mark(const char *path, size_t path_len, sb_setup_phase phase);

/**
 * Applies the settings of connections (cache, synchronous, checkpoints) through a runner. Warns
 * (SB_WARN_CONFIG) of a negative number of pages, for which the default is taken.
 * @param runner  initialised, with run
 * @param payload handed to it
 * @param config  not NULL
 * @return SB_OK; SB_EUSER or the runner's own status
 * @since 0.1
 */
SB_EXTERN sb_status sb_runner_apply_settings(const sb_runner *runner, void *payload,
                                             const sb_config *config);

/**
 * Reads through a runner what a database keeps about itself.
 * @param values  where the value is appended
 * @param runner  initialised, with run
 * @param payload handed to it
 * @param which   the value
 * @return SB_OK; SB_EMPTY there is none; SB_EUSER or the runner's own status
 * @since 0.1
 */
SB_EXTERN sb_status sb_runner_read(sb_values *values, const sb_runner *runner, void *payload,
                                   sb_stored_value which);

/**
 * Raises through a runner the high-water of message ids where it is lower.
 * @param runner  initialised, with run
 * @param payload handed to it
 * @param value   0 or above
 * @return SB_OK raised; SB_EMPTY not; SB_EUSER or the runner's own status
 * @since 0.1
 */
SB_EXTERN sb_status sb_runner_advance(const sb_runner *runner, void *payload, int64_t value);

/* ---- messages ------------------------------------------------------------------------------- */

/**
 * Checks what every operation checks: whether a queue may have this name.
 * @param name     not NULL
 * @param name_len its length
 * @return SB_OK; SB_EQUEUENAME with the reason
 * @since 0.1
 */
SB_EXTERN sb_status sb_queue_name_check(const char *name, size_t name_len);

/**
 * Appends a pending message; the queue comes into being with it. Durable on return.
 * @param[out] out_id the new message's id; may be NULL
 * @param broker      not NULL
 * @param queue       its name
 * @param queue_len   its length
 * @param body        UTF-8; not NULL
 * @param body_len    at most BROKER_MAX_MESSAGE_SIZE
 * @param options     cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EQUEUENAME; SB_EMESSAGE; SB_ETIMESTAMP; SB_EINTEGRITY; SB_ERUNTIME when no free
 *         id was found
 * @since 0.1
 */
SB_EXTERN sb_status sb_write(int64_t *out_id, sb_broker *broker, const char *queue,
                             size_t queue_len, const char *body, size_t body_len,
                             const sb_options *options);

/**
 * Appends messages, all or none, in one transaction. Durable on return.
 * @param[out] out_ids the new ids in the order of the messages; has room for all of them
 * @param broker       not NULL
 * @param messages     made with sb_messages_new(), of one queue or of several; the ids given to
 *                     sb_messages_add() do not matter
 * @param options      cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EQUEUENAME; SB_EMESSAGE; SB_ETIMESTAMP; SB_EINTEGRITY; SB_ERUNTIME when no free
 *         ids were found
 * @since 0.1
 */
SB_EXTERN sb_status sb_write_many(int64_t *out_ids, sb_broker *broker, const sb_messages *messages,
                                  const sb_options *options);

/**
 * Claims the oldest pending messages: the claim is committed on return, and no other consumer gets
 * them. They are claimed rows until a vacuum removes them.
 * @param[out] out  the messages, oldest first; to be freed with sb_messages_free()
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param limit     at most so many, at least 1
 * @param options   cancel, timeout_ms, txn, after, before, SB_UTF8; may be NULL
 * @return SB_OK; SB_EMPTY nothing pending matches; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_claim(sb_messages **out, sb_broker *broker, const char *queue,
                             size_t queue_len, size_t limit, const sb_options *options);

/**
 * Claims the pending message of one id.
 * @param[out] out  one message; to be freed with sb_messages_free()
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param id        0 or above
 * @param options   cancel, timeout_ms, txn, SB_UTF8; may be NULL
 * @return SB_OK; SB_EMPTY not there, or not pending; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_claim_id(sb_messages **out, sb_broker *broker, const char *queue,
                                size_t queue_len, int64_t id, const sb_options *options);

/**
 * Shows the oldest messages and changes nothing.
 * @param[out] out  the messages, oldest first; to be freed with sb_messages_free()
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param limit     at most so many, at least 1
 * @param options   cancel, timeout_ms, txn, after, before, SB_INCLUDE_CLAIMED, SB_UTF8; may be NULL
 * @return SB_OK; SB_EMPTY; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_peek(sb_messages **out, sb_broker *broker, const char *queue,
                            size_t queue_len, size_t limit, const sb_options *options);

/**
 * Shows the message of one id.
 * @param[out] out  one message; to be freed with sb_messages_free()
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param id        0 or above
 * @param options   cancel, timeout_ms, txn, SB_INCLUDE_CLAIMED, SB_UTF8; may be NULL
 * @return SB_OK; SB_EMPTY; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_peek_id(sb_messages **out, sb_broker *broker, const char *queue,
                               size_t queue_len, int64_t id, const sb_options *options);

/**
 * Moves the oldest messages to another queue, atomically. They keep their ids and their place in
 * the order, and are pending there.
 * @param[out] out   the messages moved, oldest first; to be freed with sb_messages_free()
 * @param broker     not NULL
 * @param source     name of the queue they are in
 * @param source_len its length
 * @param target     name of the queue they go to
 * @param target_len its length
 * @param limit      at most so many, at least 1
 * @param options    cancel, timeout_ms, txn, after, before, SB_INCLUDE_CLAIMED,
 *                   SB_UTF8; may be NULL
 * @return SB_OK; SB_EMPTY; SB_EQUEUENAME; SB_EINVALID for the same queue twice
 * @since 0.1
 */
SB_EXTERN sb_status sb_move(sb_messages **out, sb_broker *broker, const char *source,
                            size_t source_len, const char *target, size_t target_len, size_t limit,
                            const sb_options *options);

/**
 * Moves the message of one id; see sb_move().
 * @param[out] out   one message; to be freed with sb_messages_free()
 * @param broker     not NULL
 * @param source     name of the queue it is in
 * @param source_len its length
 * @param target     name of the queue it goes to
 * @param target_len its length
 * @param id         0 or above
 * @param options    cancel, timeout_ms, txn, SB_INCLUDE_CLAIMED, SB_UTF8; may be NULL
 * @return as sb_move()
 * @since 0.1
 */
SB_EXTERN sb_status sb_move_id(sb_messages **out, sb_broker *broker, const char *source,
                               size_t source_len, const char *target, size_t target_len, int64_t id,
                               const sb_options *options);

/**
 * Removes all messages of a queue, claimed ones included.
 * @param[out] out_removed how many; may be NULL
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY nothing was there; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_delete_queue(int64_t *out_removed, sb_broker *broker, const char *queue,
                                    size_t queue_len, const sb_options *options);

/**
 * Removes messages of a queue by id, claimed ones included; in one transaction.
 * @param[out] out_removed how many; may be NULL
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param ids       each 0 or above; repeated ones count once
 * @param count     any number, 0 included
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY none was there; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_delete_ids(int64_t *out_removed, sb_broker *broker, const char *queue,
                                  size_t queue_len, const int64_t *ids, size_t count,
                                  const sb_options *options);

/**
 * Removes the messages of several queues, claimed ones included; in one transaction.
 * @param[out] out_removed how many; may be NULL
 * @param broker  not NULL
 * @param queues  names; repeated ones count once
 * @param options cancel, timeout_ms, txn, before; may be NULL
 * @return SB_OK; SB_EMPTY nothing was there; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_delete_queues(int64_t *out_removed, sb_broker *broker,
                                     const sb_strings *queues, const sb_options *options);

/**
 * Removes every message of every queue. Aliases stay.
 * @param[out] out_removed how many; may be NULL
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY nothing was there
 * @since 0.1
 */
SB_EXTERN sb_status sb_delete_all(int64_t *out_removed, sb_broker *broker,
                                  const sb_options *options);

/**
 * Writes a copy of a message, each with its own id, to every existing queue that matches; all or
 * none. Queues with only claimed messages exist.
 * @param[out] out_reached how many queues; may be NULL
 * @param broker      not NULL
 * @param body        UTF-8
 * @param body_len    its length
 * @param pattern     shell-style, case-sensitive; NULL or empty: all queues
 * @param pattern_len its length
 * @param options     cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY no queue matched; SB_EMESSAGE
 * @since 0.1
 */
SB_EXTERN sb_status sb_broadcast(int64_t *out_reached, sb_broker *broker, const char *body,
                                 size_t body_len, const char *pattern, size_t pattern_len,
                                 const sb_options *options);

/**
 * Writes a copy of a message to the named queues; all or none. Missing queues are passed over
 * unless SB_CREATE_MISSING is set.
 * @param[out] out_reached how many queues; may be NULL
 * @param broker   not NULL
 * @param body     UTF-8
 * @param body_len its length
 * @param queues   names; repeated ones count once
 * @param options  cancel, timeout_ms, txn, SB_CREATE_MISSING; may be NULL
 * @return SB_OK; SB_EMPTY no queue was reached; SB_EMESSAGE; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_broadcast_to(int64_t *out_reached, sb_broker *broker, const char *body,
                                    size_t body_len, const sb_strings *queues,
                                    const sb_options *options);

/**
 * Inserts messages with given ids as pending, all or none, and raises the high-water to the
 * greatest id + 1 where it is lower.
 * @param broker   not NULL
 * @param messages made with sb_messages_new(); an empty batch does nothing
 * @param options  cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EINTEGRITY an id is stored already or stands twice in the batch; SB_EINVALID an
 *         id is 0 or 2^63-1; SB_EQUEUENAME; SB_EMESSAGE
 * @since 0.1
 */
SB_EXTERN sb_status sb_insert(sb_broker *broker, const sb_messages *messages,
                              const sb_options *options);

/**
 * Renames a queue with all its messages, and retargets its aliases; in one transaction.
 * @param[out] out_renamed    messages renamed; may be NULL
 * @param[out] out_retargeted aliases that follow; may be NULL
 * @param broker  not NULL
 * @param old_name its name
 * @param old_len  its length
 * @param new_name must have no message
 * @param new_len  its length
 * @param options cancel, timeout_ms, txn, SB_KEEP_ALIASES; may be NULL
 * @return SB_OK; SB_EMPTY no such queue; SB_EINVALID same names, or the new one has messages;
 *         SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_rename(int64_t *out_renamed, int64_t *out_retargeted, sb_broker *broker,
                              const char *old_name, size_t old_len, const char *new_name,
                              size_t new_len, const sb_options *options);

/**
 * Finds messages whose body contains a text, literally and case-sensitively.
 * @param[out] out  ids in storage order, without bodies; to be freed with sb_messages_free()
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param text      at least 3 characters that are not blank, at most 1024 characters
 * @param text_len  its length
 * @param limit     1 to 1000
 * @param options   cancel, timeout_ms, txn, after, before, SB_INCLUDE_CLAIMED; may be NULL
 * @return SB_OK; SB_EMPTY; SB_EQUEUENAME; SB_EINVALID
 * @since 0.1
 */
SB_EXTERN sb_status sb_search(sb_messages **out, sb_broker *broker, const char *queue,
                              size_t queue_len, const char *text, size_t text_len, size_t limit,
                              const sb_options *options);

/* ---- streams -------------------------------------------------------------------------------- */

/**
 * Opens a stream of messages in bounded memory. Claims and moves: without SB_AT_LEAST_ONCE each
 * message is committed before it is handed out; with it, a batch is taken in an open transaction
 * that commits when the message after its last one is asked for, and is rolled back by an earlier
 * close; such a cursor cannot be part of an explicit transaction. Peeks page through the queue as
 * it is.
 * @param[out] out   to be closed with sb_cursor_close()
 * @param broker     not NULL
 * @param kind       claim, peek or move
 * @param queue      its name
 * @param queue_len  its length
 * @param target     SB_CURSOR_MOVE: the queue they go to; else NULL
 * @param target_len its length
 * @param batch_size messages of a batch; 0: BROKER_GENERATOR_BATCH_SIZE for batches, 1000 for peeks
 * @param options    cancel, timeout_ms, txn, after, before, SB_AT_LEAST_ONCE, SB_INCLUDE_CLAIMED
 *                   (peek), SB_UTF8; may be NULL; copied
 * @return SB_OK; SB_EQUEUENAME; SB_EINVALID
 * @since 0.1
 */
SB_EXTERN sb_status sb_cursor_open(sb_cursor **out, sb_broker *broker, sb_cursor_kind kind,
                                   const char *queue, size_t queue_len, const char *target,
                                   size_t target_len, size_t batch_size,
                                   const sb_options *options);

/**
 * Takes the next message.
 * @param[out] out_id   its id; may be NULL
 * @param[out] out_body lent until the next call on the cursor; may be NULL
 * @param[out] out_len  the body's length; may be NULL
 * @param cursor        not NULL
 * @return SB_OK; SB_EMPTY at the end; SB_ETHREAD when a batch is open on another thread
 * @since 0.1
 */
SB_EXTERN sb_status sb_cursor_next(int64_t *out_id, const char **out_body, size_t *out_len,
                                   sb_cursor *cursor);

/**
 * How many messages sb_cursor_next() hands out before it turns to the database again: to commit what
 * they were, or for more.
 * @param cursor may be NULL
 * @return a number; 0 before the first message
 * @since 0.1
 */
SB_EXTERN size_t sb_cursor_at_hand(const sb_cursor *cursor);

/**
 * Closes a stream; an open batch is rolled back and pending again.
 * @param cursor may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_cursor_close(sb_cursor *cursor);

/* ---- waiting -------------------------------------------------------------------------------- */

/**
 * Opens a waiter, which sleeps until a message comes to one of its queues. A message that any
 * process commits through this library wakes it at once; one of another program's (the reference,
 * the sqlite3 shell) within 20 ms. While it sleeps it costs nothing. It keeps the broker alive.
 *
 * It is armed from sb_waiter_add() on, between waits too: what comes while nobody sleeps is
 * remembered. The rule for its user is: when it reports a queue, take from it until nothing is
 * left, then wait again. It may report a queue in vain, since somebody else was faster.
 *
 * Where nothing can wake it (no inotify, or no descriptor left: warned of once, SB_WARN_POLLING; a
 * network file system; a broker over a caller's runner) it polls, as BROKER_INITIAL_CHECKS,
 * BROKER_BURST_SLEEP, BROKER_MAX_INTERVAL and BROKER_JITTER_FACTOR say.
 * @param[out] out to be closed with sb_waiter_close()
 * @param broker   not NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_waiter_open(sb_waiter **out, sb_broker *broker);

/** Closes a waiter; not while a thread sleeps in it. @param waiter may be NULL @since 0.1 */
SB_EXTERN void sb_waiter_close(sb_waiter *waiter);

/**
 * Adds a queue. It is reported by the next wait if it has a pending message now. Adding it again
 * replaces its options, and looks again.
 * @param waiter    not NULL
 * @param queue     its name; NULL: any queue, reported under the name ""
 * @param queue_len its length
 * @param options   after: messages up to this id are no reason to report the queue; SB_TAKING; may
 *                  be NULL
 * @return SB_OK; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_waiter_add(sb_waiter *waiter, const char *queue, size_t queue_len,
                                  const sb_options *options);

/**
 * Removes a queue.
 * @param waiter    not NULL
 * @param queue     as it was added
 * @param queue_len its length
 * @return SB_OK; SB_EMPTY it was not there
 * @since 0.1
 */
SB_EXTERN sb_status sb_waiter_remove(sb_waiter *waiter, const char *queue, size_t queue_len);

/**
 * Waits until something comes to a queue of the waiter. What was reported before, and not asked for
 * with sb_waiter_next(), is forgotten. Ends at once when another thread throws the switch or closes
 * the broker, and when a signal handler has run on this thread.
 * @param waiter  not NULL
 * @param options cancel; timeout_ms: the longest wait, 0 to look only, -1 for no limit;
 *                SB_IF_CHANGED; may be NULL
 * @return SB_OK: see sb_waiter_next(); SB_EMPTY the time is over; SB_INTERRUPTED: wait again, or
 *         do as the signal says; SB_CANCELLED; SB_ECLOSED
 * @since 0.1
 */
SB_EXTERN sb_status sb_waiter_wait(sb_waiter *waiter, const sb_options *options);

/**
 * The queues that the last wait reported, one after the other, each once. For a waiter of one queue
 * there is no need to ask.
 * @param[out] out     the name; borrowed until the next call on the waiter but this
 * @param[out] out_len its length; may be NULL
 * @param waiter       not NULL
 * @return SB_OK; SB_EMPTY no more
 * @since 0.1
 */
SB_EXTERN sb_status sb_waiter_next(const char **out, size_t *out_len, sb_waiter *waiter);

/**
 * A descriptor for event loops: poll it for reading. It is readable when there may be something to
 * do, also only for the waiter itself, and stays so until sb_waiter_wait() with a timeout of 0, which
 * never blocks and does it; it must be called whenever the descriptor is readable. Never read from
 * it. It lives as long as the waiter, but a child process has to ask for one of its own. Of more
 * than 40 for one database in a process the later ones are told by the loops of those before them.
 * @param waiter not NULL
 * @return borrowed; -1 when the waiter polls: then call sb_waiter_wait() now and then
 * @since 0.1
 */
SB_EXTERN int sb_waiter_fd(sb_waiter *waiter);

/**
 * Whether messages wake the waiter: 1, or 0 while it polls.
 * @param waiter not NULL
 * @since 0.1
 */
SB_EXTERN int sb_waiter_has_events(const sb_waiter *waiter);

/**
 * Handles a message.
 * @param payload  what was registered
 * @param id       its id
 * @param body     UTF-8, NUL-terminated; borrowed for the call
 * @param body_len its length
 * @return SB_OK handled; a failure, with sb_error_set() as the last act, is reported to the error
 *         handler; anything positive ends the watcher: this message counts as handled
 */
typedef sb_status (*sb_watch_fn)(void *payload, int64_t id, const char *body, size_t body_len);

/**
 * Hears of a message that could not be handled, whose failure is the thread's error now; or of one
 * larger than BROKER_MAX_MESSAGE_SIZE (SB_EMESSAGE), of which it gets 1000 characters and "...".
 * @param payload  what was registered
 * @param status   the handler's
 * @param id       of the message
 * @param body     as the handler got it
 * @param body_len its length
 * @return 0 to go on; anything else ends the watcher
 */
typedef int (*sb_watch_error_fn)(void *payload, sb_status status, int64_t id, const char *body,
                                 size_t body_len);

/**
 * Opens a watcher, which hands each message of a queue to a function: those that are there, then
 * those that come. A claim or move is committed before the function sees the message; if it fails
 * the message stays claimed or moved. A peek makes progress only when the function succeeds: a
 * message that failed is tried again, at once when another comes and after a second else, and later
 * ones wait. Belongs to one thread at a time, but for sb_watcher_stop() and sb_watcher_count().
 * @param[out] out    to be closed with sb_watcher_close()
 * @param broker      not NULL; kept alive
 * @param kind        claim, peek or move
 * @param queue       its name
 * @param queue_len   its length
 * @param target      SB_CURSOR_MOVE: the queue they go to; else NULL
 * @param target_len  its length
 * @param batch_size  claims and moves: 0 or 1 takes messages one by one; more takes so many in a
 *                    transaction which commits when the last of them was handled, and holds the
 *                    write lock until then; peeks: of no effect
 * @param options     after (not for moves), cancel; may be NULL; copied
 * @param handler     not NULL
 * @param payload     handed to it; borrowed
 * @return SB_OK; SB_EQUEUENAME; SB_EINVALID also for the same queue twice
 * @since 0.1
 */
SB_EXTERN sb_status sb_watcher_open(sb_watcher **out, sb_broker *broker, sb_cursor_kind kind,
                                    const char *queue, size_t queue_len, const char *target,
                                    size_t target_len, size_t batch_size,
                                    const sb_options *options, sb_watch_fn handler, void *payload);

/**
 * Registers who hears of messages that could not be handled; without, the watcher goes on.
 * @param watcher not NULL, not running
 * @param fn      NULL: nobody
 * @param payload handed to fn; borrowed
 * @since 0.1
 */
SB_EXTERN void sb_watcher_on_error(sb_watcher *watcher, sb_watch_error_fn fn, void *payload);

/**
 * Ends the watcher after so many messages.
 * @param watcher      not NULL, not running
 * @param max_messages 0: no limit
 * @since 0.1
 */
SB_EXTERN void sb_watcher_set_limit(sb_watcher *watcher, int64_t max_messages);

/**
 * Ends the watcher when nobody reads a descriptor any more: a pipe's or socket's other end is gone.
 * @param watcher not NULL, not running
 * @param fd      to which the handler writes; -1: none
 * @since 0.1
 */
SB_EXTERN void sb_watcher_end_on_hangup(sb_watcher *watcher, int fd);

/**
 * Watches until it is stopped. Lock errors are tried again 5 times, within a second; after another
 * failure of the storage the watcher starts anew after 2 and then 4 s, and gives up at the third.
 * @param watcher not NULL
 * @return SB_OK it was stopped, by whatever but: SB_CANCELLED by the switch; SB_ECLOSED; or the
 *         storage's failure
 * @since 0.1
 */
SB_EXTERN sb_status sb_watcher_run(sb_watcher *watcher);

/**
 * Stops a watcher after the message in hand, for good; from any thread or signal handler. One that
 * does not run yet ends at once when it does.
 * @param watcher may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_watcher_stop(sb_watcher *watcher);

/** How many messages have been taken or shown so far. @param watcher not NULL @since 0.1 */
SB_EXTERN int64_t sb_watcher_count(const sb_watcher *watcher);

/** Closes a watcher; not while it runs. @param watcher may be NULL @since 0.1 */
SB_EXTERN void sb_watcher_close(sb_watcher *watcher);

/* ---- transactions and sidecar SQL ----------------------------------------------------------- */

/**
 * Begins a transaction in which operations and the application's own SQL commit or vanish together:
 * give it as sb_options.txn. It holds the database's write lock until its end; other writers wait.
 * Belongs to this thread.
 * @param[out] out to be ended with sb_txn_commit() or sb_txn_rollback()
 * @param broker   not NULL
 * @param options  cancel, timeout_ms; may be NULL
 * @return SB_OK; SB_EOPERATIONAL when the lock was not to be had
 * @since 0.1
 */
SB_EXTERN sb_status sb_txn_begin(sb_txn **out, sb_broker *broker, const sb_options *options);

/**
 * Commits. The handle is gone afterwards, whatever the result, but for SB_ETHREAD.
 * @param txn not NULL
 * @return SB_OK durable; SB_ETHREAD from another thread: nothing happened, and the handle is still
 *         its thread's; any other failure: rolled back, unless sb_error_outcome_ambiguous()
 * @since 0.1
 */
SB_EXTERN sb_status sb_txn_commit(sb_txn *txn);

/**
 * Rolls back. The handle is gone afterwards. Also from another thread, for garbage collectors, while
 * its own thread is not inside an operation of it.
 * @param txn may be NULL
 * @since 0.1
 */
SB_EXTERN void sb_txn_rollback(sb_txn *txn);

/**
 * Runs one statement of the application's own on the broker's database: in sb_options.txn, or alone
 * with the usual retries. The tables messages, meta and queue_aliases belong to the broker.
 * BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT, RELEASE, ATTACH and DETACH are refused.
 * @param broker  not NULL
 * @param sql     one statement with `?` placeholders
 * @param sql_len its length
 * @param params  NULL: none
 * @param options cancel, timeout_ms, txn; may be NULL
 * @param fn      called for each row; may be NULL
 * @param payload handed to fn
 * @return SB_OK; SB_EUSER when fn ended it; SB_EINVALID for a refused statement, for more than one,
 *         or for a wrong number of values; SB_EINTEGRITY; SB_EDATA; SB_ESIDECAR on a backend
 *         without SQL
 * @since 0.1
 */
SB_EXTERN sb_status sb_sidecar_run(sb_broker *broker, const char *sql, size_t sql_len,
                                   const sb_values *params, const sb_options *options,
                                   sb_row_fn fn, void *payload);

/* ---- questions ------------------------------------------------------------------------------ */

/**
 * Whether a queue has any message, pending or claimed.
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK yes; SB_EMPTY no; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_exists(sb_broker *broker, const char *queue, size_t queue_len,
                              const sb_options *options);

/**
 * Whether a queue has a pending message within the bounds.
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param options   cancel, timeout_ms, txn, after, before; may be NULL
 * @return SB_OK yes; SB_EMPTY no; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_has_pending(sb_broker *broker, const char *queue, size_t queue_len,
                                   const sb_options *options);

/**
 * The greatest id of a queue's pending messages.
 * @param[out] out the id
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY nothing pending; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_latest_pending(int64_t *out, sb_broker *broker, const char *queue,
                                      size_t queue_len, const sb_options *options);

/**
 * Counts of a queue.
 * @param[out] out_pending may be NULL
 * @param[out] out_claimed may be NULL
 * @param broker    not NULL
 * @param queue     its name
 * @param queue_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK, also for a queue that does not exist; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_queue_stats(int64_t *out_pending, int64_t *out_claimed, sb_broker *broker,
                                   const char *queue, size_t queue_len, const sb_options *options);

/**
 * The queues that exist, in byte order of their names, with their counts.
 * @param[out] out    to be freed with sb_queues_free(); may be an empty list
 * @param broker      not NULL
 * @param prefix      literal beginning of the names; NULL: none
 * @param prefix_len  its length
 * @param pattern     shell-style; NULL: none; empty: matches nothing
 * @param pattern_len its length
 * @param options     cancel, timeout_ms, txn, SB_WITHOUT_STATS; may be NULL
 * @return SB_OK; SB_EINVALID for both; SB_EQUEUENAME for a prefix or a pattern's stem that no name
 *         can have
 * @since 0.1
 */
SB_EXTERN sb_status sb_queues_list(sb_queues **out, sb_broker *broker, const char *prefix,
                                   size_t prefix_len, const char *pattern, size_t pattern_len,
                                   const sb_options *options);

/**
 * Counts over all queues.
 * @param[out] out_claimed may be NULL
 * @param[out] out_total may be NULL
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_overall_stats(int64_t *out_claimed, int64_t *out_total, sb_broker *broker,
                                     const sb_options *options);

/**
 * State of the database.
 * @param[out] out_total_messages claimed ones included
 * @param[out] out_last_timestamp the high-water
 * @param[out] out_db_size bytes of the main file
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_broker_status(int64_t *out_total_messages, int64_t *out_last_timestamp,
                                     int64_t *out_db_size, sb_broker *broker,
                                     const sb_options *options);

/**
 * Rows of the broker's meta table.
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @param fn      called with key and value of each row; may be NULL
 * @param payload handed to fn
 * @return SB_OK; SB_EUSER when fn ended it
 * @since 0.1
 */
SB_EXTERN sb_status sb_meta_list(sb_broker *broker, const sb_options *options, sb_row_fn fn,
                                 void *payload);

/**
 * SQLite's counter of commits by other connections.
 * @param[out] out the counter
 * @param broker not NULL
 * @return SB_OK; SB_EMPTY where there is none
 * @since 0.1
 */
SB_EXTERN sb_status sb_data_version(int64_t *out, sb_broker *broker);

/**
 * Conflicts of ids met and repaired by this broker; both 0 in normal operation.
 * @param[out] out_conflicts may be NULL
 * @param[out] out_resyncs may be NULL
 * @param broker not NULL
 * @param reset  1: set both to 0 afterwards
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_conflict_metrics(int64_t *out_conflicts, int64_t *out_resyncs,
                                        sb_broker *broker, int reset);

/* ---- aliases -------------------------------------------------------------------------------- */

/**
 * Adds an alias. Warns (SB_WARN_ALIAS) when a queue of that name has messages.
 * @param broker     not NULL
 * @param alias      its name, without '@'
 * @param alias_len  its length
 * @param target     a queue's name
 * @param target_len its length
 * @param options    cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EINVALID with the reason; SB_EQUEUENAME
 * @since 0.1
 */
SB_EXTERN sb_status sb_alias_add(sb_broker *broker, const char *alias, size_t alias_len,
                                 const char *target, size_t target_len, const sb_options *options);

/**
 * Removes an alias.
 * @param broker    not NULL
 * @param alias     its name
 * @param alias_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY no such alias
 * @since 0.1
 */
SB_EXTERN sb_status sb_alias_remove(sb_broker *broker, const char *alias, size_t alias_len,
                                    const sb_options *options);

/**
 * Target of an alias.
 * @param[out] out the caller's, freed with sb_free()
 * @param[out] out_len its length
 * @param broker    not NULL
 * @param alias     its name, without '@'
 * @param alias_len its length
 * @param options   cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EMPTY no such alias
 * @since 0.1
 */
SB_EXTERN sb_status sb_alias_resolve(char **out, size_t *out_len, sb_broker *broker,
                                     const char *alias, size_t alias_len,
                                     const sb_options *options);

/**
 * All aliases, sorted by name.
 * @param[out] out to be freed with sb_aliases_free()
 * @param broker     not NULL
 * @param target     only those of this queue; NULL: all
 * @param target_len its length
 * @param options    cancel, timeout_ms, txn; may be NULL
 * @return SB_OK, also when there are none
 * @since 0.1
 */
SB_EXTERN sb_status sb_alias_list(sb_aliases **out, sb_broker *broker, const char *target,
                                  size_t target_len, const sb_options *options);

/**
 * A number that grows with every change of an alias.
 * @param[out] out the number
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_alias_version(int64_t *out, sb_broker *broker, const sb_options *options);

/**
 * Resolves a queue operand: `@name` through the aliases, anything else unchanged.
 * @param[out] out the caller's, freed with sb_free()
 * @param[out] out_len its length
 * @param broker   not NULL
 * @param name     the operand
 * @param name_len its length
 * @param options  cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_EINVALID undefined or empty alias
 * @since 0.1
 */
SB_EXTERN sb_status sb_queue_resolve(char **out, size_t *out_len, sb_broker *broker,
                                     const char *name, size_t name_len, const sb_options *options);

/* ---- timestamps ----------------------------------------------------------------------------- */

/**
 * Allocates an id without a message.
 * @param[out] out the id
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_ETIMESTAMP; SB_EINTEGRITY
 * @since 0.1
 */
SB_EXTERN sb_status sb_timestamp_generate(int64_t *out, sb_broker *broker,
                                          const sb_options *options);

/**
 * The high-water as last seen by this broker, read once if never seen.
 * @param[out] out the id
 * @param broker  not NULL
 * @param options cancel, timeout_ms; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_timestamp_cached(int64_t *out, sb_broker *broker, const sb_options *options);

/**
 * Reads the high-water.
 * @param[out] out the id
 * @param broker  not NULL
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_timestamp_refresh(int64_t *out, sb_broker *broker,
                                         const sb_options *options);

/**
 * Raises the high-water to at least a value; never lowers it.
 * @param[out] out the stored value
 * @param broker  not NULL
 * @param floor   0 or above
 * @param options cancel, timeout_ms, txn; may be NULL
 * @return SB_OK; SB_ETIMESTAMP not confirmed, see sb_error_outcome_ambiguous()
 * @since 0.1
 */
SB_EXTERN sb_status sb_timestamp_advance(int64_t *out, sb_broker *broker, int64_t floor,
                                         const sb_options *options);

/**
 * Reads a high-water that the caller keeps.
 * @param payload what was registered
 * @param out     the value
 * @return SB_OK; SB_EMPTY there is none; or a failure, with sb_error_set() as the last act
 */
typedef sb_status (*sb_high_water_read_fn)(void *payload, int64_t *out);

/**
 * Stores a higher value, in one step that no other writer can come between.
 * @param payload what was registered
 * @param value   the new one
 * @return SB_OK; SB_EMPTY the stored value was not lower; or a failure, as above
 */
typedef sb_status (*sb_high_water_advance_fn)(void *payload, int64_t value);

/**
 * A generator of message ids over a high-water that the caller keeps, for storage other than a
 * broker's. Lock errors are tried again. May be shared by threads if the functions may.
 * @param[out] out to be freed with sb_generator_free()
 * @param read     not NULL
 * @param advance  not NULL
 * @param payload  handed to both
 * @param destroy  frees payload, also when this function fails; may be NULL
 * @return SB_OK; nothing is read yet
 * @since 0.1
 */
SB_EXTERN sb_status sb_generator_new(sb_generator **out, sb_high_water_read_fn read,
                                     sb_high_water_advance_fn advance, void *payload,
                                     sb_destroy_fn destroy);

/** Frees a generator. @param generator may be NULL @since 0.1 */
SB_EXTERN void sb_generator_free(sb_generator *generator);

/**
 * Allocates an id and stores it as the high-water.
 * @param[out] out the id
 * @param generator not NULL
 * @return SB_OK; SB_ETIMESTAMP the high-water is missing, or no id is left; SB_EINTEGRITY others
 *         were faster each time; what the functions returned
 * @since 0.1
 */
SB_EXTERN sb_status sb_generator_next(int64_t *out, sb_generator *generator);

/**
 * The high-water as last seen, read once if never seen.
 * @param[out] out the value; 0 when it is missing
 * @param generator not NULL
 * @return SB_OK; what the functions returned
 * @since 0.1
 */
SB_EXTERN sb_status sb_generator_cached(int64_t *out, sb_generator *generator);

/**
 * Reads the high-water.
 * @param[out] out the value; 0 when it is missing
 * @param generator not NULL
 * @return SB_OK; SB_ETIMESTAMP a negative one; what the functions returned
 * @since 0.1
 */
SB_EXTERN sb_status sb_generator_refresh(int64_t *out, sb_generator *generator);

/**
 * Raises the high-water to at least a value; never lowers it.
 * @param[out] out the stored value
 * @param generator not NULL
 * @param floor     0 or above
 * @return SB_OK; SB_ETIMESTAMP what is stored is lower; what the functions returned
 * @since 0.1
 */
SB_EXTERN sb_status sb_generator_advance(int64_t *out, sb_generator *generator, int64_t floor);

/**
 * Parses a bound (--after, --before): date, seconds, milliseconds, nanoseconds or id.
 * @param[out] out the id
 * @param text     the text
 * @param text_len its length
 * @return SB_OK; SB_ETIMESTAMP with the reason
 * @since 0.1
 */
SB_EXTERN sb_status sb_bound_parse(int64_t *out, const char *text, size_t text_len);

/**
 * Parses an id as strictly as sb_id_parse(), where it is called a timestamp: blanks around it, then
 * exactly 19 decimal digits, below 2^63.
 * @param[out] out the id
 * @param text     not NULL
 * @param text_len its length
 * @return SB_OK; SB_ETIMESTAMP
 * @since 0.1
 */
SB_EXTERN sb_status sb_timestamp_parse_exact(int64_t *out, const char *text, size_t text_len);

/**
 * Parses an exact id: 19 decimal digits, blanks around them allowed.
 * @param[out] out the id
 * @param text     the text
 * @param text_len its length
 * @return SB_OK; SB_EINVALID with the reason
 * @since 0.1
 */
SB_EXTERN sb_status sb_id_parse(int64_t *out, const char *text, size_t text_len);

/**
 * Formats an id as 19 digits and a NUL.
 * @param[out] out at least SB_ID_SIZE bytes
 * @param out_size its size
 * @param id       0 or above
 * @return SB_OK; SB_EINVALID
 * @since 0.1
 */
SB_EXTERN sb_status sb_id_format(char *out, size_t out_size, int64_t id);

/* ---- dump and load -------------------------------------------------------------------------- */

/**
 * Opens a dump: NDJSON of header, aliases and pending messages, in bounded memory.
 * @param[out] out to be closed with sb_dump_close()
 * @param broker  not NULL
 * @param include shell-style patterns of queues; NULL or empty: all
 * @param exclude patterns that win over include; NULL: none
 * @param options cancel, timeout_ms; may be NULL; copied
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_dump_open(sb_dump **out, sb_broker *broker, const sb_strings *include,
                                 const sb_strings *exclude, const sb_options *options);

/**
 * The next line, without line feed.
 * @param[out] out lent until the next call
 * @param[out] out_len its length
 * @param dump not NULL
 * @return SB_OK; SB_EMPTY at the end
 * @since 0.1
 */
SB_EXTERN sb_status sb_dump_next(const char **out, size_t *out_len, sb_dump *dump);

/** Ends a dump. @param dump may be NULL @since 0.1 */
SB_EXTERN void sb_dump_close(sb_dump *dump);

/**
 * Begins a load. Aliases apply at once, messages in atomic batches of 1000.
 * @param[out] out to be closed with sb_load_close()
 * @param broker  not NULL
 * @param config  for BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS; NULL: the broker's
 * @param options cancel, timeout_ms, SB_FORCE; may be NULL; copied
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_load_open(sb_load **out, sb_broker *broker, const sb_config *config,
                                 const sb_options *options);

/**
 * Begins a load into something else than an sb_broker, such as an object of a host language.
 * Warnings go to the listener of `config`.
 * @param[out] out to be closed with sb_load_close()
 * @param config   for BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS; not NULL
 * @param options  SB_FORCE; may be NULL; copied
 * @param alias    not NULL
 * @param messages not NULL
 * @param advance  not NULL
 * @param payload  handed to the three; borrowed until sb_load_close()
 * @return SB_OK
 * @since 0.1
 */
SB_EXTERN sb_status sb_load_open_with(sb_load **out, const sb_config *config,
                                      const sb_options *options, sb_load_alias_fn alias,
                                      sb_load_messages_fn messages, sb_load_advance_fn advance,
                                      void *payload);

/**
 * Takes one line of a dump.
 * @param load     not NULL
 * @param line     with or without its line feed
 * @param line_len its length
 * @return SB_OK; SB_EINVALID malformed, with sb_error_line(); SB_EINTEGRITY; SB_ETIMESTAMP;
 *         SB_EQUEUENAME; SB_EMESSAGE. After a failure the load can only be closed
 * @since 0.1
 */
SB_EXTERN sb_status sb_load_line(sb_load *load, const char *line, size_t line_len);

/**
 * Ends the input: writes what is left and raises the high-water to the header's.
 * @param[out] out_messages may be NULL
 * @param[out] out_aliases may be NULL
 * @param load not NULL
 * @return SB_OK; as sb_load_line(); SB_ETIMESTAMP the high-water is not confirmed
 * @since 0.1
 */
SB_EXTERN sb_status sb_load_finish(int64_t *out_messages, int64_t *out_aliases, sb_load *load);

/** Closes a load; what was not finished is dropped. @param load may be NULL @since 0.1 */
SB_EXTERN void sb_load_close(sb_load *load);

/* ---- maintenance ---------------------------------------------------------------------------- */

/**
 * Removes claimed messages, and with SB_COMPACT rebuilds the file. Skipped silently while another
 * process vacuums.
 * @param[out] out_removed how many; may be NULL
 * @param broker  not NULL
 * @param options cancel, timeout_ms, SB_COMPACT, progress (messages; while the file is rebuilt it
 *                only tells that work goes on, and must not use the broker); may be NULL
 * @return SB_OK; SB_EMPTY nothing was claimed
 * @since 0.1
 */
SB_EXTERN sb_status sb_vacuum(int64_t *out_removed, sb_broker *broker, const sb_options *options);

/**
 * Whether automatic vacuum would run for these counts: 1 or 0.
 * @param claimed   rows
 * @param total     rows
 * @param threshold ratio, as BROKER_VACUUM_THRESHOLD
 * @since 0.1
 */
SB_EXTERN int sb_vacuum_is_eligible(int64_t claimed, int64_t total, double threshold);

/**
 * Copies the database into a file while it is in use. The copy is a complete broker of its own; it
 * appears under its name only when it is complete. Not inside a transaction.
 * @param broker   not NULL
 * @param path     of the file, which must not exist yet, nor a WAL or journal of that name
 * @param path_len its length
 * @param options  cancel, timeout_ms, progress (pages); may be NULL
 * @return SB_OK; SB_EXISTS a file of that name is there; SB_EDATABASE; SB_EIO
 * @since 0.1
 */
SB_EXTERN sb_status sb_backup(sb_broker *broker, const char *path, size_t path_len,
                              const sb_options *options);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEBROKER_H */
