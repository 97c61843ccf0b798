/*
 * Opening a broker by target, over a caller's runner, or over an application's connection.
 */
#include "open.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backend.h"
#include "error.h"
#include "lineage.h"
#include "runner_sqlite.h"
#include "schema.h"
#include "txn.h"

enum { LETTING_GO_MS = 1000 };

/* A broker with settings, but without a runner yet. This thread has its turn until finish(). */
static sb_status make(sb_broker **out, const sb_config *config)
{
    sb_broker *broker = sb__broker_new_shell();
    sb_status status;

    if (!broker) {
        return sb__fail_nomem();
    }
    broker->backend = &sb__backend_sqlite;
    broker->sql = broker->backend->sql;
    sb__timestamp_init(&broker->timestamp);
    status = sb__turn_init(&broker->turn);
    if (!status) {
        status = sb__reader_init(&broker->reader);
        if (status) {
            sb__turn_dispose(&broker->turn);
        }
    }
    if (status) {
        free(broker);
        return status;
    }
    if (config) {
        broker->config = sb__config_retain(config);
    } else {
        status = sb_config_from_environment(&broker->config);
    }
    if (!status) {
        broker->settings_copy = *sb__config_settings(broker->config);
        broker->settings = &broker->settings_copy;
        status = sb__turn_take(&broker->turn, 0, NULL);
    }
    if (!status) {
        status = sb__lineage_add(broker);
    }
    if (status) {
        sb__broker_release(broker);
        return status;
    }
    *out = broker;
    return SB_OK;
}

/* Hands the finished broker over, or releases what there is of it. */
static sb_status finish(sb_broker **out, sb_broker *broker, sb_status status)
{
    sb__turn_give(&broker->turn);
    if (!status) {
        sb__broker_hand_over(broker);
        *out = broker;
    } else {
        sb_error saved;

        sb__error_stash(&saved);
        sb__broker_release(broker);
        sb__error_unstash(&saved);
    }
    return status;
}

static sb_status check_arguments(sb_broker **out, const sb_options *options)
{
    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    if (options &&
        (options->version != SB_OPTIONS_VERSION || options->size < sizeof *options)) {
        return sb__fail(SB_EINVALID, "sb_options must be initialised with sb_options_init()");
    }
    return SB_OK;
}

sb_status sb__broker_reconnect(sb_broker *broker, const sb_options *options)
{
    sb_status status = broker->backend->connect(broker, options);

    if (!status) {
        atomic_store(&broker->reopen, 0);
    }
    return status;
}

static void disconnect_reader(sb__reader *reader)
{
    if (reader->runner.sqlite && !sb__turn_take(&reader->turn, LETTING_GO_MS, NULL)) {
        sb__sqlite_disconnect(reader->runner.sqlite);
        sb__turn_give(&reader->turn);
    }
}

void sb__broker_let_go_of_old_file(sb_broker *broker)
{
    sb__sqlite *sqlite = broker->runner.sqlite;
    sb_error saved;

    sb__error_stash(&saved);
    if (sqlite && !sb__turn_take(&broker->turn, LETTING_GO_MS, NULL)) {
        if (sb__sqlite_check_identity(sqlite) && !sb__sqlite_in_transaction(sqlite)) {
            disconnect_reader(&broker->reader);
            sb__sqlite_disconnect(sqlite);
            sb__timestamp_init(&broker->timestamp);
            atomic_store(&broker->reopen, 1);
        }
        sb__turn_give(&broker->turn);
    }
    sb__error_unstash(&saved);
}

sb_status sb__broker_check_file(sb_broker *broker, const sb_options *options, int if_free)
{
    sb__call call;
    sb_status status = sb__enter(&call, broker, "check_file", options);

    if (status) {
        return status;
    }
    if (if_free && sb__turn_is_anothers(&broker->turn)) {
        return sb__leave(&call, SB_EMPTY);
    }
    status = sb__take_turn(&call, options);
    if (status == SB_EBUSY_OWNER) { /* its batch has found the file in place */
        sb__error_clear();
        return sb__leave(&call, SB_OK);
    }
    if (!status) {
        status = broker->runner.sqlite ? sb__sqlite_check_identity(broker->runner.sqlite) : SB_OK;
        sb__turn_give(&broker->turn);
    }
    return sb__leave(&call, status);
}

sb_status sb_open(sb_broker **out, const sb_target *target, const sb_config *config,
                  const sb_options *options)
{
    const sb__backend *backend;
    sb_broker *broker = NULL;
    sb_status status = check_arguments(out, options);

    if (!status && !target) {
        status = sb__fail(SB_EINVALID, "target must not be NULL");
    }
    if (!status) {
        status = sb__backend_require(&backend, sb_target_backend(target));
    }
    if (!status) {
        status = make(&broker, config);
    }
    if (!status) {
        broker->backend = backend;
        broker->sql = backend->sql;
        broker->target = sb_target_retain((sb_target *)(uintptr_t)target);
        status = backend->make_runner(&broker->runner, target);
    }
    if (!status) {
        status = sb__broker_reconnect(broker, options);
    }
    return status && !broker ? status : finish(out, broker, status);
}

sb_status sb_open_path(sb_broker **out, const char *path, size_t path_len,
                       const sb_config *config, const sb_options *options)
{
    sb_target *target = NULL;
    sb_status status = check_arguments(out, options);

    if (!status) {
        status = sb_target_sqlite(&target, path, path_len);
    }
    if (!status) {
        status = sb_open(out, target, config, options);
    }
    sb_target_free(target);
    return status;
}

sb_status sb_open_runner(sb_broker **out, const sb_runner *runner, void *payload,
                         sb_destroy_fn destroy, const sb_config *config,
                         const sb_options *options)
{
    sb_broker *broker = NULL;
    sb_status status = check_arguments(out, options);

    if (!status && (!runner || runner->version != SB_RUNNER_VERSION ||
                    runner->size < sizeof *runner)) {
        status = sb__fail(SB_EINVALID, "sb_runner must be initialised with sb_runner_init()");
    }
    if (!status && (!runner->run || !runner->begin_immediate || !runner->commit ||
                    !runner->rollback)) {
        status = sb__fail(SB_EINVALID,
                          "a runner needs run, begin_immediate, commit and rollback");
    }
    if (!status) {
        status = make(&broker, config);
    }
    if (status) {
        sb_error saved;

        sb__error_stash(&saved);
        if (destroy) {
            destroy(payload);
        }
        sb__error_unstash(&saved);
        return status;
    }
    broker->runner.calls = *runner;
    broker->runner.payload = payload;
    broker->runner.destroy = destroy;
    return finish(out, broker,
                  sb__schema_setup_runner(&broker->runner, broker->settings, options));
}

sb_status sb_open_sqlite(sb_broker **out, struct sqlite3 *db, const sb_config *config,
                         const sb_options *options)
{
    sb_broker *broker = NULL;
    sb_status status = check_arguments(out, options);

    if (!status && !db) {
        status = sb__fail(SB_EINVALID, "db must not be NULL");
    }
    if (!status) {
        status = make(&broker, config);
    }
    if (!status) {
        status = sb__sqlite_runner_adopt(&broker->runner, db);
    }
    if (!status) {
        status = sb__schema_setup_runner(&broker->runner, broker->settings, options);
    }
    return status && !broker ? status : finish(out, broker, status);
}
