/*
 * Project files: what the parser reports is collected, checked in the contract's order, and becomes
 * a target. Messages name the file ".broker.toml" whatever its name is, as the reference's do.
 */
#include "project_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "path.h"
#include "path_rules.h"
#include "pyrepr.h"
#include "string_list.h"
#include "target.h"
#include "toml.h"
#include "value.h"

enum { FILE_SIZE_MAX = 1024 * 1024 };

typedef enum options_state {
    OPTIONS_NONE,
    OPTIONS_TABLE,
    OPTIONS_NO_TABLE,
    OPTIONS_BAD_VALUE
} options_state;

typedef struct contents {
    int version_is_one;
    sb__str version; /* as Python would show it; empty when absent */
    char *backend;   /* NULL unless a non-empty string */
    char *target;
    size_t target_len;
    options_state options;
    sb_strings *option_names;
    sb_values *option_values;
} contents;

static sb_status contents_init(contents *found)
{
    memset(found, 0, sizeof *found);
    found->option_names = sb_strings_new();
    found->option_values = sb_values_new();
    return found->option_names && found->option_values ? SB_OK : sb__fail_nomem();
}

static void contents_dispose(contents *found)
{
    sb__str_dispose(&found->version);
    sb_free(found->backend);
    sb_free(found->target);
    sb_strings_free(found->option_names);
    sb_values_free(found->option_values);
}

/* The value as one of ours; 0 for dates, arrays and tables. */
static int to_scalar(sb__value *out, const sb__toml_value *value)
{
    memset(out, 0, sizeof *out);
    switch (value->type) {
    case SB__TOML_STRING:
        out->type = SB_TEXT;
        out->data = value->text;
        out->len = value->len;
        return 1;
    case SB__TOML_INTEGER:
        out->type = SB_INT64;
        out->as.integer = value->integer;
        return 1;
    case SB__TOML_FLOAT:
        out->type = SB_DOUBLE;
        out->as.number = value->real;
        return 1;
    case SB__TOML_BOOLEAN:
        out->type = SB_BOOL;
        out->as.integer = value->integer;
        return 1;
    default:
        return 0;
    }
}

static sb_status take_version(contents *found, const sb__toml_value *value)
{
    sb__value scalar;

    if (to_scalar(&scalar, value)) {
        found->version_is_one = scalar.type == SB_DOUBLE ? scalar.as.number == 1.0
                                                         : scalar.type != SB_TEXT &&
                                                               scalar.as.integer == 1;
        sb__py_repr(&found->version, &scalar);
    } else if (value->type == SB__TOML_DATETIME) {
        sb__str_append(&found->version, value->text, value->len);
    } else {
        sb__str_append_text(&found->version, value->type == SB__TOML_ARRAY ? "[...]" : "{...}");
    }
    return sb__str_check(&found->version);
}

static sb_status take_text(char **out, size_t *out_len, const sb__toml_value *value)
{
    if (value->type != SB__TOML_STRING || value->len == 0) {
        return SB_OK;
    }
    *out = sb__strndup(value->text, value->len);
    *out_len = value->len;
    return *out ? SB_OK : sb__fail_nomem();
}

static sb_status take_option(contents *found, const sb__toml_entry *entry)
{
    sb__value scalar;
    sb__value *item;
    sb_status status;

    if (!to_scalar(&scalar, &entry->value)) {
        found->options = OPTIONS_BAD_VALUE;
        return SB_OK;
    }
    status = sb_strings_add(found->option_names, entry->key, entry->key_len);
    if (status != SB_OK) {
        return status;
    }
    if (scalar.type == SB_TEXT) {
        return sb_values_add_text(found->option_values, scalar.data, scalar.len);
    }
    item = sb__values_extend(found->option_values);
    if (!item) {
        return sb__fail_nomem();
    }
    *item = scalar;
    return SB_OK;
}

static int is_named(const char *text, size_t len, const char *name)
{
    return text && len == strlen(name) && memcmp(text, name, len) == 0;
}

static int take(const sb__toml_entry *entry, void *payload)
{
    contents *found = payload;
    size_t len;

    if (entry->table) {
        return is_named(entry->table, entry->table_len, "backend_options")
                   ? (int)take_option(found, entry)
                   : 0;
    }
    if (is_named(entry->key, entry->key_len, "version")) {
        return (int)take_version(found, &entry->value);
    }
    if (is_named(entry->key, entry->key_len, "backend")) {
        return (int)take_text(&found->backend, &len, &entry->value);
    }
    if (is_named(entry->key, entry->key_len, "target")) {
        return (int)take_text(&found->target, &found->target_len, &entry->value);
    }
    if (is_named(entry->key, entry->key_len, "backend_options")) {
        found->options = entry->value.type == SB__TOML_TABLE ? OPTIONS_TABLE : OPTIONS_NO_TABLE;
    }
    return 0;
}

static sb_status parse(contents *found, const char *text, size_t len)
{
    sb__toml_error error;
    int result = sb__toml_parse(text, len, take, found, &error);

    if (result == SB__TOML_BAD) {
        if (error.line == 0) {
            return sb__fail(SB_EINVALID, "%s (at end of document)", error.message);
        }
        sb__fail(SB_EINVALID, "%s (at line %zu, column %zu)", error.message, error.line,
                 error.column);
        sb__error_set_line((int64_t)error.line);
        return SB_EINVALID;
    }
    if (result == SB__TOML_NO_MEMORY) {
        return sb__fail_nomem();
    }
    return (sb_status)result;
}

static sb_status check(const contents *found)
{
    if (found->options == OPTIONS_NO_TABLE) {
        return sb__fail(SB_EINVALID, "'backend_options' must be a table in .broker.toml");
    }
    if (found->options == OPTIONS_BAD_VALUE) {
        return sb__fail(SB_EINVALID, "'backend_options' values must be strings, integers, floats, "
                                     "or booleans in .broker.toml");
    }
    if (!found->version_is_one) {
        return sb__fail(SB_EINVALID, "Unsupported .broker.toml version %s; expected 1",
                        found->version.len ? found->version.data : "None");
    }
    if (!found->backend) {
        return sb__fail(SB_EINVALID, ".broker.toml requires a non-empty string 'backend'");
    }
    if (!found->target) {
        return sb__fail(SB_EINVALID, ".broker.toml requires a non-empty string 'target'");
    }
    return SB_OK;
}

/* Reads a whole file; non-blocking, so that a FIFO of that name hangs nobody. */
static sb_status read_file(char **out, size_t *out_len, mode_t *mode, const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    char *text = NULL;
    size_t len = 0;
    ssize_t n = 0;
    sb_status status = SB_OK;

    if (fd < 0 || fstat(fd, &info) != 0) {
        status = sb__fail(SB_EIO, "Cannot read %s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = sb__fail(SB_EIO, "Cannot read %s: not a regular file", path);
    } else if (info.st_size > FILE_SIZE_MAX) {
        status = sb__fail(SB_EINVALID, "%s is too large for a project file", path);
    } else {
        text = sb_alloc(FILE_SIZE_MAX);
        status = text ? SB_OK : sb__fail_nomem();
    }
    while (status == SB_OK && len < FILE_SIZE_MAX) {
        n = read(fd, text + len, FILE_SIZE_MAX - len);
        if (n == 0) {
            break;
        }
        if (n > 0) {
            len += (size_t)n;
        } else if (errno != EINTR) {
            status = sb__fail(SB_EIO, "Cannot read %s: %s", path, strerror(errno));
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (status != SB_OK) {
        sb_free(text);
        return status;
    }
    *out = text;
    *out_len = len;
    *mode = info.st_mode;
    return SB_OK;
}

static sb_status warn(const contents *found, const char *path, mode_t mode,
                      const sb_config *config)
{
    char *masked = NULL;
    int has_password = 0;
    sb_status status = sb__address_mask(&masked, &has_password, found->target);

    if (status != SB_OK) {
        return status;
    }
    if (has_password) {
        sb__config_warn(config, SB_WARN_PROJECT_FILE,
                        "%s embeds a backend password; store secrets in BROKER_BACKEND_PASSWORD "
                        "or another environment variable",
                        path);
    }
    sb_free(masked);
    if (mode & (S_IRWXG | S_IRWXO)) {
        sb__config_warn(config, SB_WARN_PROJECT_FILE,
                        "%s is group/other-readable; restrict permissions when it contains "
                        "sensitive configuration",
                        path);
    }
    return SB_OK;
}

/* The SQLite file that the project file names, relative to its own directory. */
static sb_status sqlite_address(char **out, const contents *found, const char *root)
{
    char *joined = NULL;
    sb_status status;

    if (memchr(found->target, '\0', found->target_len)) {
        return sb__fail(SB_EINVALID, "embedded null byte in the 'target' of .broker.toml");
    }
    status = sb__path_join(&joined, root, found->target);
    if (status == SB_OK) {
        status = sb__path_resolve(out, joined);
    }
    if (status == SB_OK) {
        status = sb__path_check_safe(".broker.toml sqlite target", *out, strlen(*out));
    }
    sb_free(joined);
    return status;
}

static sb_status make_target(sb_target **out, const contents *found, const char *path)
{
    sb__target_parts parts = {.backend_name = found->backend,
                              .address = found->target,
                              .config_path = path,
                              .used_project_scope = 1,
                              .option_names = found->option_names,
                              .option_values = found->option_values};
    char *root = NULL;
    char *address = NULL;
    sb_status status = sb__backend_require(NULL, found->backend);

    if (status == SB_OK) {
        status = sb__path_parent(&root, path);
    }
    if (status == SB_OK && sb__backend_is_sqlite(found->backend)) {
        status = sqlite_address(&address, found, root);
        parts.address = address;
    }
    if (status == SB_OK) {
        parts.project_root = root;
        status = sb__target_new(out, &parts);
    }
    sb_free(address);
    sb_free(root);
    return status;
}

sb_status sb__project_file_target(sb_target **out, const char *path, const sb_config *config)
{
    contents found;
    char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    sb_status status = contents_init(&found);

    *out = NULL;
    if (status == SB_OK) {
        status = read_file(&text, &len, &mode, path);
    }
    if (status == SB_OK) {
        status = parse(&found, text, len);
    }
    if (status == SB_OK) {
        status = check(&found);
    }
    if (status == SB_OK) {
        status = warn(&found, path, mode, config);
    }
    if (status == SB_OK) {
        status = make_target(out, &found, path);
    }
    sb_free(text);
    contents_dispose(&found);
    return status;
}
