/*
 * The checks that a command makes of its target before it works: the contract's table of path
 * rules. A file found upward needs no check of its name or place: the search went through both.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "files.h"
#include "path.h"
#include "path_rules.h"
#include "setup_lock.h"
#include "target.h"
#include "validate.h"

static int has_dots(const char *path)
{
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len > 0 && len <= 2 && strncmp(path, "..", len) == 0) {
            return 1;
        }
        path += len + (path[len] == '/');
    }
    return 0;
}

/* Odd characters in the name of a directory harm nobody: it exists, and somebody chose it. */
static sb_status check_directory_text(const sb__selection *selection)
{
    const char *directory = selection->directory;

    if (directory[0] && !has_dots(directory)) {
        return SB_OK;
    }
    return sb__path_check_safe("Directory argument (-d/--dir)", directory, strlen(directory));
}

static sb_status check_file_text(const sb__selection *selection)
{
    return selection->file ? sb__path_check_safe("Database filename", selection->file,
                                                 strlen(selection->file))
                           : SB_OK;
}

static sb_status check_directory_exists(const sb__selection *selection)
{
    struct stat info;

    if (stat(selection->directory, &info) != 0) {
        return sb__fail(SB_EINVALID, "Directory not found: %s", selection->directory);
    }
    if (!S_ISDIR(info.st_mode)) {
        return sb__fail(SB_EINVALID, "Path is a file, not a directory: %s", selection->directory);
    }
    return SB_OK;
}

/* A relative file must stay inside its directory when all links have been followed. */
static sb_status check_containment(const sb_target *target)
{
    const sb__selection *selection = &target->selection;
    char *file = NULL;
    char *directory = NULL;
    sb_status status = SB_OK;

    if (!selection->file || selection->file[0] == '/') {
        return SB_OK;
    }
    status = sb__path_resolve(&file, target->address);
    if (status == SB_OK) {
        status = sb__path_resolve(&directory, selection->directory);
    }
    if (status == SB_OK && !sb__path_is_beneath(file, directory)) {
        status = sb__fail(SB_EINVALID, "Database file must be within the working directory: %s",
                          target->display);
    }
    sb_free(directory);
    sb_free(file);
    return status;
}

/* One level of directory may be missing: it is made with the file. */
static sb_status check_parent(const sb_target *target)
{
    struct stat info;
    char *parent = NULL;
    char *grandparent = NULL;
    sb_status status = sb__path_parent(&parent, target->address);

    if (status == SB_OK) {
        status = sb__path_parent(&grandparent, parent);
    }
    if (status == SB_OK && stat(parent, &info) != 0) {
        if (stat(grandparent, &info) != 0) {
            status = sb__fail(SB_EINVALID, "Parent directory not found: %s", grandparent);
        } else if (access(grandparent, W_OK | X_OK) != 0) {
            status = sb__fail(SB_EINVALID, "Parent directory is not accessible: %s", grandparent);
        }
    } else if (status == SB_OK && access(parent, X_OK) != 0) {
        status = sb__fail(SB_EINVALID, "Parent directory is not accessible: %s", parent);
    }
    sb_free(grandparent);
    sb_free(parent);
    return status;
}

static sb_status check_paths(const sb_target *target)
{
    sb_status status = check_directory_text(&target->selection);

    if (status == SB_OK) {
        status = check_directory_exists(&target->selection);
    }
    if (status == SB_OK) {
        status = check_file_text(&target->selection);
    }
    if (status == SB_OK) {
        status = check_containment(target);
    }
    if (status == SB_OK) {
        status = check_parent(target);
    }
    return status;
}

static sb_status check_names(const sb_target *target)
{
    sb_status status = check_directory_text(&target->selection);

    return status == SB_OK ? check_file_text(&target->selection) : status;
}

/* Whether another process was making the file, and has finished now: F.lock is there meanwhile, and
 * held. */
static int waited_for_maker(const char *path)
{
    sb__file_lock lock;
    char *file = NULL;
    char *lock_path = NULL;
    int waited = 0;

    if (sb__path_resolve(&file, path) == SB_OK &&
        sb__companion_path(&lock_path, file, ".lock") == SB_OK && !access(lock_path, F_OK) &&
        sb__setup_lock_take(&lock, file, NULL) == SB_OK) {
        sb__file_lock_release(&lock);
        waited = 1;
    }
    sb_free(lock_path);
    sb_free(file);
    return waited;
}

static sb_status check_sqlite(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        return SB_OK;
    }
    if (!S_ISREG(info.st_mode)) {
        return sb__fail(SB_EDATABASE, "Path exists but is not a regular file: %s", path);
    }
    if (!sb__sqlite_file_has_header(path) &&
        !(waited_for_maker(path) && sb__sqlite_file_has_header(path))) {
        return sb__fail(SB_EDATABASE, "File is not a valid SQLite database (invalid header): %s",
                        path);
    }
    return SB_OK;
}

sb_status sb_target_check(const sb_target *target, const sb_config *config, uint32_t checks)
{
    sb_status status = SB_OK;

    sb__error_clear();
    if (!target || !config) {
        return sb__fail(SB_EINVALID, "a target and a configuration are required");
    }
    if (!target->backend) {
        return sb__backend_require(NULL, target->backend_name);
    }
    if (target->selection.is_direct && (checks & SB_CHECK_CLEANUP)) {
        status = check_names(target);
    }
    if (status == SB_OK && target->selection.is_direct && (checks & SB_CHECK_PATHS)) {
        status = check_paths(target);
    }
    if (status == SB_OK && target->plain_path && (checks & SB_CHECK_SQLITE)) {
        status = check_sqlite(target->address);
    }
    if (status == SB_OK && !target->plain_path && (checks & SB_CHECK_INITIALIZED)) {
        status = sb__sqlite_file_validate(target->address);
    }
    return status;
}
