/*
 * The upward search.
 */
#include "discover.h"

#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "error.h"
#include "path.h"
#include "path_rules.h"
#include "string_list.h"
#include "validate.h"

static int is_regular(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/*
 * Replaces a directory by its parent. SB_EMPTY where the search ends: in the root directory, or
 * when the parent is on another file system or cannot be examined.
 */
static sb_status ascend(char **directory)
{
    struct stat here;
    struct stat above;
    char *parent = NULL;
    sb_status status;

    if (strcmp(*directory, "/") == 0) {
        return SB_EMPTY;
    }
    status = sb__path_parent(&parent, *directory);
    if (status != SB_OK) {
        return status;
    }
    if (stat(*directory, &here) != 0 || stat(parent, &above) != 0 ||
        here.st_dev != above.st_dev) {
        sb_free(parent);
        return SB_EMPTY;
    }
    sb_free(*directory);
    *directory = parent;
    return SB_OK;
}

sb_status sb__project_file_place(char **out, const char *directory, const sb__settings *settings)
{
    const char *path = settings->project_config_path.data;
    char *base = NULL;
    char *place = NULL;
    sb_status status;

    *out = NULL;
    status = sb__path_join(&base, directory, path);
    if (status == SB_OK) {
        status = sb__path_join(&place, base, settings->project_config_name.data);
    }
    if (status == SB_OK) {
        status = sb__path_resolve(out, place);
    }
    sb_free(place);
    sb_free(base);
    return status;
}

sb_status sb__project_file_in(char **out, const char *directory, const sb__settings *settings)
{
    sb_status status = sb__project_file_place(out, directory, settings);

    if (status == SB_OK && !is_regular(*out)) {
        sb_free(*out);
        *out = NULL;
        return SB_EMPTY;
    }
    return status;
}

sb_status sb__project_file_upward(char **out, const char *directory, int32_t max_depth,
                                  const sb__settings *settings)
{
    int only_one = settings->project_config_path.data[0] == '/';
    char *current = NULL;
    sb_status status;

    *out = NULL;
    status = sb__path_resolve(&current, directory);
    for (int32_t depth = 0; status == SB_OK; depth++) {
        if (depth >= max_depth && !only_one) {
            status = SB_EMPTY;
            break;
        }
        status = sb__project_file_in(out, current, settings);
        if (status != SB_EMPTY || only_one) {
            break;
        }
        status = ascend(&current);
    }
    sb_free(current);
    return status;
}

/* The directory a found file belongs to: above the sub-directory that its name may have. */
static sb_status root_of(char **out, const char *file, const sb__setting_text *name)
{
    char *parent = NULL;
    sb_status status = sb__path_parent(&parent, file);

    if (status == SB_OK && sb__path_part_count(name->data, name->len, 0) > 1) {
        status = sb__path_parent(out, parent);
        sb_free(parent);
    } else {
        *out = parent;
    }
    return status;
}

/* SB_EMPTY if the directory has no broker file; other files there are passed over silently. One
 * that is locked may well be a broker's, so that is a failure. */
static sb_status sqlite_file_in(char **out, const char *directory, const sb__settings *settings)
{
    char *candidate = NULL;
    sb_status status = sb__path_join(&candidate, directory, settings->default_db_name.data);

    if (status != SB_OK) {
        return status;
    }
    status = is_regular(candidate) ? sb__sqlite_file_validate(candidate) : SB_EMPTY;
    if (status == SB_OK) {
        status = sb__path_resolve(out, candidate);
    } else if (status != SB_ENOMEM && status != SB_EOPERATIONAL) {
        sb__error_clear();
        status = SB_EMPTY;
    }
    sb_free(candidate);
    return status;
}

sb_status sb__sqlite_file_upward(char **out_file, char **out_root, const char *directory,
                                 const sb__settings *settings)
{
    char *current = NULL;
    struct stat info;
    sb_status status;

    *out_file = NULL;
    *out_root = NULL;
    status = sb__path_resolve(&current, directory);
    if (status == SB_OK && stat(current, &info) != 0) {
        status = sb__fail(SB_EINVALID, "Starting directory does not exist: %s", current);
    }
    for (int depth = 0; status == SB_OK; depth++) {
        /* A broker in the root directory would catch every program of the machine. */
        if (depth >= SB__DISCOVER_DEPTH || strcmp(current, "/") == 0) {
            status = SB_EMPTY;
            break;
        }
        status = sqlite_file_in(out_file, current, settings);
        if (status != SB_EMPTY) {
            break;
        }
        status = ascend(&current);
    }
    if (status == SB_OK) {
        status = root_of(out_root, *out_file, &settings->default_db_name);
        if (status != SB_OK) {
            sb_free(*out_file);
            *out_file = NULL;
        }
    }
    sb_free(current);
    return status;
}

/* A directory argument, or the current directory. */
static sb_status directory_from_arg(char **out, const char *directory, size_t directory_len)
{
    return directory ? sb__path_from_arg(out, directory, directory_len) : sb__path_cwd(out);
}

static sb_status hand_out(char **out, size_t *out_len, char *path, sb_status status)
{
    if (status != SB_OK) {
        sb_free(path);
        path = NULL;
    }
    if (out_len) {
        *out_len = path ? strlen(path) : 0;
    }
    *out = path;
    return status;
}

sb_status sb_project_file_find(char **out, size_t *out_len, const char *directory,
                               size_t directory_len, int32_t max_depth, const sb_config *config)
{
    char *start = NULL;
    char *path = NULL;
    sb_status status;

    sb__error_clear();
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    status = directory_from_arg(&start, directory, directory_len);
    if (status == SB_OK) {
        status = sb__project_file_upward(&path, start, max_depth, &config->settings);
    }
    sb_free(start);
    return hand_out(out, out_len, path, status);
}

sb_status sb_project_file_path(char **out, size_t *out_len, const char *directory,
                               size_t directory_len, const sb_config *config)
{
    char *start = NULL;
    char *path = NULL;
    sb_status status;

    sb__error_clear();
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    status = directory_from_arg(&start, directory, directory_len);
    if (status == SB_OK) {
        status = sb__project_file_place(&path, start, &config->settings);
    }
    sb_free(start);
    return hand_out(out, out_len, path, status);
}
