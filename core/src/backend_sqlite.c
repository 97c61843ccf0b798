/*
 * The built-in backend: a SQLite file, reached through the built-in runner.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "backend.h"
#include "broker.h"
#include "config.h"
#include "connection.h"
#include "error.h"
#include "files.h"
#include "lineage.h"
#include "netfs.h"
#include "path.h"
#include "runner_sqlite.h"
#include "schema.h"
#include "setup_lock.h"
#include "simplebroker.h"
#include "validate.h"

static sb_status make_runner(sb__runner *out, const sb_target *target)
{
    return sb__sqlite_runner_new(out, sb_target_address(target));
}

static void warn(const sb_broker *broker)
{
    (void)sb__sqlite_autocheckpoint(broker->config);
    sb__netfs_warn(broker->config, sb__sqlite_path(broker->runner.sqlite));
}

static sb_status connect(sb_broker *broker, const sb_options *options)
{
    sb__sqlite *sqlite = broker->runner.sqlite;
    sb_status status = sb__lineage_check_path(sb__sqlite_path(sqlite));

    sb__sqlite_set_may_wait(sqlite, sb__lineage_may_wait, broker);
    sb__sqlite_set_closed(sqlite, &broker->closed);
    if (!status) {
        status = sb__sqlite_prepare(&broker->runner, broker->settings, broker->config, options);
    }
    if (!status && !atomic_load(&broker->reopen)) {
        warn(broker);
    }
    return status;
}

static sb_status verify(const sb_target *target, const sb_config *config)
{
    (void)config;
    return sb__sqlite_file_validate(sb_target_address(target));
}

static sb_status create(const char *path, const sb_config *config)
{
    sb_config *kept = sb__config_retain(config);
    sb__runner runner;
    sb_status status = sb__sqlite_runner_new(&runner, path);

    if (!status) {
        sb_error saved;

        status = sb__sqlite_prepare(&runner, sb__config_settings(config), kept, NULL);
        sb__error_stash(&saved);
        sb__runner_dispose(&runner);
        sb__error_unstash(&saved);
    }
    sb_config_free(kept);
    return status;
}

/* Another process may be in the middle of making the file: then F.lock is there, and held. */
static sb_status validate_finished(const char *path)
{
    sb_status status = sb__sqlite_file_validate(path);
    sb__file_lock lock;
    char *lock_path;
    int has_lock;

    if (status != SB_EDATABASE) {
        return status;
    }
    status = sb__companion_path(&lock_path, path, ".lock");
    if (status) {
        return status;
    }
    has_lock = !access(lock_path, F_OK);
    sb_free(lock_path);
    if (has_lock) {
        status = sb__setup_lock_take(&lock, path, NULL);
        if (status) {
            return status;
        }
        sb__file_lock_release(&lock);
    }
    return sb__sqlite_file_validate(path);
}

static sb_status init(const sb_target *target, const sb_config *config)
{
    const char *path = sb_target_address(target);
    struct stat info;
    sb_status status;

    if (lstat(path, &info)) {
        return errno == ENOENT ? create(path, config)
                               : sb__fail(SB_EDATABASE, "Cannot inspect database file %s: %s",
                                          path, strerror(errno));
    }
    status = validate_finished(path);
    if (!status) {
        return SB_EXISTS;
    }
    if (status == SB_EDATABASE) {
        return sb__fail(SB_EDATABASE, "File exists but is not a SimpleBroker database: %s", path);
    }
    return status;
}

/* The real file: a link and the files that are named after it stay. */
static sb_status clean_up_file(const char *path)
{
    struct stat info;

    if (!stat(path, &info)) {
        sb_status status = sb__sqlite_file_validate(path);

        if (status) {
            return status;
        }
    } else if (errno != ENOENT && errno != ENOTDIR) {
        return sb__fail(SB_EDATABASE, "Cannot inspect SQLite cleanup target %s: %s", path,
                        strerror(errno));
    }
    return sb__files_cleanup(path);
}

static sb_status cleanup(const sb_target *target, const sb_config *config)
{
    const char *address = sb_target_address(target);
    sb_status status;
    char *path;

    (void)config;
    if (!*address || !strcmp(address, ":memory:")) {
        return SB_EMPTY;
    }
    status = sb__path_resolve(&path, address);
    if (status) {
        if (status == SB_EINVALID) {
            sb__error_prefix("Cannot resolve SQLite cleanup target %s: ", address);
            status = SB_EDATABASE;
        }
        return status;
    }
    status = clean_up_file(path);
    sb_free(path);
    return status;
}

const sb__backend sb__backend_sqlite = {
    .name = "sqlite",
    .sql = &sb__sql_sqlite,
    .make_runner = make_runner,
    .connect = connect,
    .init = init,
    .verify = verify,
    .cleanup = cleanup,
};
