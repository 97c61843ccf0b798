/*
 * The parts of a set-up, for runners that are made outside the core: the file itself, the lock that
 * implementations share, the marks of what is done, the settings of a connection, and the values
 * that a database keeps about itself.
 */
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "backend.h"
#include "connection.h"
#include "error.h"
#include "markers.h"
#include "params.h"
#include "path.h"
#include "runner.h"
#include "schema.h"
#include "setup_lock.h"
#include "sql.h"
#include "timestamp.h"

struct sb_setup_lock {
    sb__file_lock lock;
};

/* The database's path as the built-in runner names it, so that all mean the same companions. */
static sb_status resolve(char **out, const char *path, size_t path_len)
{
    char *copy;
    sb_status status;

    *out = NULL;
    sb__error_clear();
    if (!path || path_len == 0) {
        return sb__fail(SB_EINVALID, "path must not be empty");
    }
    copy = sb__strndup(path, path_len == (size_t)SB_NTS ? strlen(path) : path_len);
    if (!copy) {
        return sb__fail_nomem();
    }
    status = sb__path_resolve(out, copy);
    sb_free(copy);
    return status;
}

/* ---- the file ------------------------------------------------------------------------------- */

sb_status sb_setup_file(const char *path, size_t path_len, const sb_setup_lock *held,
                        const sb_options *options)
{
    char *resolved;
    sb_status status = resolve(&resolved, path, path_len);

    if (!status) {
        status = sb__sqlite_prepare_file(resolved, held != NULL, options);
    }
    sb_free(resolved);
    return status;
}

sb_status sb_setup_lock_take(sb_setup_lock **out, const char *path, size_t path_len,
                             const sb_options *options)
{
    sb_setup_lock *lock;
    char *resolved;
    sb_status status;

    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = resolve(&resolved, path, path_len);
    if (status) {
        return status;
    }
    lock = sb__zalloc(sizeof *lock);
    status = lock ? sb__setup_lock_take(&lock->lock, resolved, options) : sb__fail_nomem();
    sb_free(resolved);
    if (status) {
        sb_free(lock);
        return status;
    }
    *out = lock;
    return SB_OK;
}

void sb_setup_lock_release(sb_setup_lock *lock)
{
    if (lock) {
        sb__file_lock_release(&lock->lock);
        sb_free(lock);
    }
}

static sb_status mark_of(unsigned *out, sb_setup_phase phase)
{
    switch (phase) {
    case SB_SETUP_CONNECTION:
        *out = SB__MARK_CONNECTION;
        return SB_OK;
    case SB_SETUP_SCHEMA:
        *out = SB__MARK_SCHEMA;
        return SB_OK;
    case SB_SETUP_OPTIMIZATION:
        *out = SB__MARK_OPTIMIZATION;
        return SB_OK;
    default:
        return sb__fail(SB_EINVALID, "unknown phase %d", (int)phase);
    }
}

sb_status sb_setup_is_done(const char *path, size_t path_len, sb_setup_phase phase)
{
    char *resolved;
    unsigned mark = 0, marks = 0;
    sb_status status = resolve(&resolved, path, path_len);

    if (!status) {
        status = mark_of(&mark, phase);
    }
    if (!status) {
        marks = sb__markers_get(resolved);
    }
    sb_free(resolved);
    return status || marks & mark ? status : SB_EMPTY;
}

sb_status sb_setup_mark(const char *path, size_t path_len, sb_setup_phase phase)
{
    char *resolved;
    unsigned mark = 0;
    sb_status status = resolve(&resolved, path, path_len);

    if (!status) {
        status = mark_of(&mark, phase);
    }
    if (!status) {
        sb__markers_set(resolved, mark);
    }
    sb_free(resolved);
    return status;
}

/* ---- through a runner ----------------------------------------------------------------------- */

static sb_status wrap(sb__runner *out, const sb_runner *runner, void *payload)
{
    sb__error_clear();
    if (!runner || runner->version != SB_RUNNER_VERSION || runner->size < sizeof *runner ||
        !runner->run) {
        return sb__fail(SB_EINVALID, "sb_runner must be initialised and have run");
    }
    memset(out, 0, sizeof *out);
    out->calls = *runner;
    out->payload = payload;
    return SB_OK;
}

sb_status sb_runner_apply_settings(const sb_runner *runner, void *payload, const sb_config *config)
{
    const sb__settings *settings;
    char sql[3][64];
    sb__runner r;
    sb_status status = wrap(&r, runner, payload);

    if (!status && !config) {
        status = sb__fail(SB_EINVALID, "config must not be NULL");
    }
    if (status) {
        return status;
    }
    settings = sb__config_settings(config);
    snprintf(sql[0], sizeof sql[0], "PRAGMA cache_size = %d", sb__sqlite_cache_size(settings));
    snprintf(sql[1], sizeof sql[1], "PRAGMA synchronous = %d", (int)settings->sync_mode);
    snprintf(sql[2], sizeof sql[2], "PRAGMA wal_autocheckpoint = %d",
             sb__sqlite_autocheckpoint(config));
    for (size_t i = 0; !status && i < sizeof sql / sizeof sql[0]; i++) {
        status = sb__run_once(&r, sql[i], strlen(sql[i]), NULL, NULL, NULL);
    }
    return status;
}

typedef struct found {
    const char *key; /* of the meta table; NULL: the first column is it */
    sb_values *values;
    sb_status status;
} found;

static sb_status add_value(sb_values *values, const sb_values *row, size_t index)
{
    const char *text;
    size_t len;

    switch (sb_values_type(row, index)) {
    case SB_NULL:
        return SB_EMPTY;
    case SB_INT64:
        return sb_values_add_int64(values, sb_values_int64(row, index));
    case SB_DOUBLE:
        return sb_values_add_double(values, sb_values_double(row, index));
    default:
        text = sb_values_text(&len, row, index);
        return sb_values_add_text(values, text, len);
    }
}

static sb_status note_value(void *payload, const sb_values *row)
{
    found *f = payload;
    size_t key_len = 0;
    const char *key = f->key ? sb_values_text(&key_len, row, 0) : NULL;

    if (f->key && (!key || strlen(f->key) != key_len || memcmp(f->key, key, key_len) != 0)) {
        return SB_OK;
    }
    f->status = add_value(f->values, row, f->key ? 1 : 0);
    return f->status < 0 ? f->status : SB_OK;
}

sb_status sb_runner_read(sb_values *values, const sb_runner *runner, void *payload,
                         sb_stored_value which)
{
    static const char *const keys[] = {NULL, "magic", "schema_version", "last_ts",
                                       "alias_version"};
    const sb__sql *sql = sb__backend_sqlite.sql;
    found f = {NULL, values, SB_EMPTY};
    const char *text = sql->meta_list;
    sb__runner r;
    sb_status status = wrap(&r, runner, payload);

    if (!status && !values) {
        status = sb__fail(SB_EINVALID, "values must not be NULL");
    }
    if (status) {
        return status;
    }
    if (which == SB_STORED_DATA_VERSION) {
        text = sql->data_version;
    } else if (which == SB_STORED_SIZE) {
        text = sql->database_size;
    } else if (which >= SB_STORED_MAGIC && which <= SB_STORED_ALIAS_VERSION) {
        f.key = keys[which];
    } else {
        return sb__fail(SB_EINVALID, "unknown value %d", (int)which);
    }
    status = sb__run(&r, text, NULL, note_value, &f);
    return status ? status : f.status;
}

sb_status sb_runner_advance(const sb_runner *runner, void *payload, int64_t value)
{
    const sb__sql *sql = sb__backend_sqlite.sql;
    sb__timestamp timestamp;
    int raised = 0;
    sb__runner r;
    sb_status status = wrap(&r, runner, payload);

    if (!status && value < 0) {
        status = sb__fail(SB_EINVALID, "timestamp must be non-negative");
    }
    if (status) {
        return status;
    }
    sb__timestamp_init(&timestamp);
    status = sb__timestamp_raise(&raised, &timestamp, &r, sql, value);
    return status || raised ? status : SB_EMPTY;
}
