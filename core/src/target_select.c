/*
 * Which target is used: the six steps of the command line, and the library's ways of resolution.
 */
#include <string.h>

#include "alloc.h"
#include "config.h"
#include "discover.h"
#include "error.h"
#include "path.h"
#include "project_file.h"
#include "string_list.h"
#include "target.h"

/* What the command line and the settings say; texts are owned. */
typedef struct request {
    const sb_config *config;
    const sb__settings *settings;
    char *directory; /* as typed, normalised; else the default directory */
    char *file;      /* as typed; else NULL */
    char *cwd;
    int explicit_directory;
    int for_init;
} request;

static void request_dispose(request *r)
{
    sb_free(r->directory);
    sb_free(r->file);
    sb_free(r->cwd);
}

static sb_status request_directory(request *r, const char *directory, size_t directory_len)
{
    const sb__setting_text *location = &r->settings->default_db_location;
    char *typed = NULL;
    sb_status status;

    if (!directory) {
        int use_location = location->len && sb__backend_is_sqlite(r->settings->backend.data);

        return sb__path_normalize(&r->directory, use_location ? location->data : r->cwd);
    }
    r->explicit_directory = 1;
    status = sb__path_from_arg(&typed, directory, directory_len);
    if (status == SB_OK) {
        status = sb__path_normalize(&r->directory, typed);
    }
    sb_free(typed);
    return status;
}

static sb_status request_init(request *r, const sb_config *config, const char *directory,
                              size_t directory_len, const char *file, size_t file_len)
{
    sb_status status;

    memset(r, 0, sizeof *r);
    r->config = config;
    r->settings = &config->settings;
    status = sb__path_cwd(&r->cwd);
    if (status == SB_OK) {
        status = request_directory(r, directory, directory_len);
    }
    if (status == SB_OK && file) {
        status = sb__path_from_arg(&r->file, file, file_len);
    }
    return status;
}

static sb_status check_consistent(const char *directory, const char *file)
{
    char *parent = NULL;
    char *left = NULL;
    char *right = NULL;
    sb_status status = sb__path_parent(&parent, file);

    if (status == SB_OK) {
        status = sb__path_resolve(&left, parent);
    }
    if (status == SB_OK) {
        status = sb__path_resolve(&right, directory);
    }
    if (status == SB_OK && strcmp(left, right) != 0) {
        status = sb__fail(SB_EINVALID,
                          "Inconsistent paths: absolute database path '%s' conflicts with "
                          "directory '%s'",
                          file, directory);
    }
    sb_free(right);
    sb_free(left);
    sb_free(parent);
    return status;
}

static sb_status remember(sb_target *target, const char *directory, const char *file)
{
    target->selection.is_direct = 1;
    target->selection.directory = sb__strndup(directory, strlen(directory));
    if (file) {
        target->selection.file = sb__strndup(file, strlen(file));
    }
    return target->selection.directory && (!file || target->selection.file) ? SB_OK
                                                                            : sb__fail_nomem();
}

/* A file in a directory as the user named them. The address is absolute, so that a later change of
 * the current directory does not change the meaning; links are left for the checks to follow. */
static sb_status direct_target(sb_target **out, const char *directory, const char *file)
{
    sb__target_parts parts = {.backend_name = "sqlite", .plain_path = 1};
    char *display = NULL;
    char *address = NULL;
    char *root = NULL;
    sb_target *target = NULL;
    sb_status status = sb__path_join(&display, directory, file);

    if (status == SB_OK) {
        status = sb__path_absolute(&address, display);
    }
    if (status == SB_OK) {
        status = sb__path_parent(&root, address);
    }
    if (status == SB_OK) {
        parts.address = address;
        parts.display = display;
        parts.project_root = root;
        status = sb__target_new(&target, &parts);
    }
    if (status == SB_OK) {
        status = remember(target, directory, file);
    }
    if (status == SB_OK) {
        *out = target;
    } else {
        sb_target_free(target);
    }
    sb_free(root);
    sb_free(address);
    sb_free(display);
    return status;
}

/* The target of a project file that one of the searches found. */
static sb_status found_project_file(sb_target **out, char *path, sb_status status,
                                    const sb_config *config)
{
    if (status == SB_OK) {
        status = sb__project_file_target(out, path, config);
    }
    sb_free(path);
    return status;
}

static sb_status project_file_upward(sb_target **out, const char *directory,
                                     const sb_config *config)
{
    char *path = NULL;
    sb_status status =
        sb__project_file_upward(&path, directory, SB__DISCOVER_DEPTH, &config->settings);

    return found_project_file(out, path, status, config);
}

static sb_status project_file_in(sb_target **out, const char *directory, const sb_config *config)
{
    char *path = NULL;
    sb_status status = sb__project_file_in(&path, directory, &config->settings);

    return found_project_file(out, path, status, config);
}

static sb_status sqlite_file_upward(sb_target **out, const char *directory,
                                    const sb_config *config)
{
    sb__target_parts parts = {
        .backend_name = "sqlite", .plain_path = 1, .used_project_scope = 1};
    char *file = NULL;
    char *root = NULL;
    sb_status status = sb__sqlite_file_upward(&file, &root, directory, &config->settings);

    if (status == SB_OK) {
        parts.address = file;
        parts.project_root = root;
        status = sb__target_new(out, &parts);
    }
    sb_free(root);
    sb_free(file);
    return status;
}

/* SB_EMPTY if the settings name no server. */
static sb_status server_target(sb_target **out, const sb__settings *settings)
{
    sb__target_parts parts = {.backend_name = settings->backend.data,
                              .address = settings->backend_target.data};
    sb_status status;

    if (sb__backend_is_sqlite(settings->backend.data)) {
        return SB_EMPTY;
    }
    status = sb__backend_require(NULL, settings->backend.data);
    return status == SB_OK ? sb__target_new(out, &parts) : status;
}

static sb_status fail_no_project(const request *r)
{
    return sb__fail(SB_EINVALID,
                    "BROKER_PROJECT_SCOPE is enabled but no project database '%s' was found in "
                    "'%s' or any parent directory. Run 'broker init' in the project root "
                    "directory to create one.",
                    r->settings->default_db_name.data, r->directory);
}

/* Steps 2 to 5: what is found. */
static sb_status find_target(sb_target **out, const request *r)
{
    sb_status status;

    if (r->settings->project_scope) {
        status = project_file_upward(out, r->directory, r->config);
        if (status == SB_EMPTY) {
            status = sqlite_file_upward(out, r->directory, r->config);
            if (status == SB_OK) {
                status = remember(*out, r->directory, NULL);
                if (status != SB_OK) {
                    sb_target_free(*out);
                    *out = NULL;
                }
            }
        }
    } else {
        status = project_file_in(out, r->explicit_directory ? r->directory : r->cwd, r->config);
    }
    return status == SB_EMPTY ? server_target(out, r->settings) : status;
}

static sb_status select_target(sb_target **out, const request *r)
{
    const char *name = r->settings->default_db_name.data;
    sb_status status;

    if (r->file && !r->for_init) {
        if (r->file[0] == '/' && r->explicit_directory) {
            status = check_consistent(r->directory, r->file);
            if (status != SB_OK) {
                return status;
            }
        }
        return direct_target(out, r->directory, r->file);
    }
    status = find_target(out, r);
    if (status != SB_EMPTY) {
        return status;
    }
    if (r->for_init) {
        return direct_target(out, r->cwd, name);
    }
    return r->settings->project_scope ? fail_no_project(r)
                                      : direct_target(out, r->directory, name);
}

sb_status sb_target_select(sb_target **out, const sb_config *config, const char *directory,
                           size_t directory_len, const char *file, size_t file_len, int for_init)
{
    request r;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    status = request_init(&r, config, directory, directory_len, file, file_len);
    if (status == SB_OK) {
        r.for_init = for_init;
        status = select_target(out, &r);
    }
    request_dispose(&r);
    return status;
}

/* The directory argument of the library's functions, `~` expanded. */
static sb_status expand_directory(char **out, const char *directory, size_t directory_len)
{
    char *text = NULL;
    sb_status status;

    if (!directory) {
        return sb__path_cwd(out);
    }
    status = sb__path_from_arg(&text, directory, directory_len);
    if (status == SB_OK) {
        status = sb__path_expand_user(out, text);
    }
    sb_free(text);
    return status;
}

static sb_status default_file_in(sb_target **out, const char *directory,
                                 const sb__settings *settings)
{
    sb__target_parts parts = {.backend_name = "sqlite", .plain_path = 1};
    char *root = NULL;
    char *file = NULL;
    char *address = NULL;
    sb_status status = sb__path_resolve(&root, directory);

    if (status == SB_OK) {
        status = sb__path_join(&file, root, settings->default_db_name.data);
    }
    if (status == SB_OK) {
        status = sb__path_resolve(&address, file);
    }
    if (status == SB_OK) {
        parts.address = address;
        parts.project_root = root;
        status = sb__target_new(out, &parts);
    }
    sb_free(address);
    sb_free(file);
    sb_free(root);
    return status;
}

sb_status sb_target_for_directory(sb_target **out, const char *directory, size_t directory_len,
                                  const sb_config *config)
{
    char *where = NULL;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    if (!directory && config->settings.default_db_location.len &&
        sb__backend_is_sqlite(config->settings.backend.data)) {
        directory = config->settings.default_db_location.data;
        directory_len = config->settings.default_db_location.len;
    }
    status = expand_directory(&where, directory, directory_len);
    if (status == SB_OK) {
        status = project_file_in(out, where, config);
    }
    if (status == SB_EMPTY) {
        status = server_target(out, &config->settings);
    }
    if (status == SB_EMPTY) {
        status = default_file_in(out, where, &config->settings);
    }
    sb_free(where);
    return status;
}

sb_status sb_target_discover(sb_target **out, const char *directory, size_t directory_len,
                             const sb_config *config)
{
    char *where = NULL;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    status = expand_directory(&where, directory, directory_len);
    if (status == SB_OK) {
        status = project_file_upward(out, where, config);
    }
    if (status == SB_EMPTY) {
        status = sqlite_file_upward(out, where, config);
    }
    if (status == SB_EMPTY) {
        status = server_target(out, &config->settings);
    }
    sb_free(where);
    return status;
}

sb_status sb_target_from_project_file(sb_target **out, const char *path, size_t path_len,
                                      const sb_config *config)
{
    char *text = NULL;
    char *normal = NULL;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !config || !path) {
        return sb__fail(SB_EINVALID, "a path and a configuration are required");
    }
    status = sb__path_from_arg(&text, path, path_len);
    if (status == SB_OK) {
        status = sb__path_normalize(&normal, text);
    }
    if (status == SB_OK) {
        status = sb__project_file_target(out, normal, config);
    }
    sb_free(normal);
    sb_free(text);
    return status;
}
