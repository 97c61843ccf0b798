/*
 * Making, checking and removing what a target stands for.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "backend.h"
#include "config.h"
#include "error.h"
#include "files.h"
#include "path.h"
#include "runner_sqlite.h"
#include "schema.h"
#include "setup_lock.h"
#include "simplebroker.h"
#include "validate.h"

static sb_status check_arguments(const sb_target *target, const sb_config *config)
{
    const sb__backend *backend;

    sb__error_clear();
    if (!target || !config) {
        return sb__fail(SB_EINVALID, "target and config must not be NULL");
    }
    return sb__backend_require(&backend, sb_target_backend(target));
}

sb_status sb_target_verify(const sb_target *target, const sb_config *config)
{
    sb_status status = check_arguments(target, config);

    return status ? status : sb__sqlite_file_validate(sb_target_address(target));
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

sb_status sb_init(const sb_target *target, const sb_config *config)
{
    sb_status status = check_arguments(target, config);
    const char *path;
    struct stat info;

    if (status) {
        return status;
    }
    path = sb_target_address(target);
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
static sb_status cleanup(const char *path)
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

sb_status sb_cleanup(const sb_target *target, const sb_config *config)
{
    sb_status status = check_arguments(target, config);
    const char *address;
    char *path;

    if (status) {
        return status;
    }
    address = sb_target_address(target);
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
    status = cleanup(path);
    sb_free(path);
    return status;
}
