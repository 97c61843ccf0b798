/*
 * Companion files: their names, the directories they need, and their removal in the order in which
 * an interrupted cleanup leaves nothing that could be mistaken for a live database.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "str.h"
#include "string_list.h"

sb_status sb__companion_path(char **out, const char *database, const char *suffix)
{
    sb__str path = SB__STR_INIT;

    sb__str_append_text(&path, database);
    sb__str_append_text(&path, suffix);
    return sb__str_take(out, NULL, &path);
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

int sb__is_status_temporary(const char *name, const char *base)
{
    static const char middle[] = ".status.tmp.";
    size_t base_len = strlen(base);
    const char *first, *second;

    if (strncmp(name, base, base_len) || strncmp(name + base_len, middle, sizeof middle - 1)) {
        return 0;
    }
    first = name + base_len + sizeof middle - 1;
    second = skip_digits(first);
    return second > first && *second == '.' && skip_digits(second + 1) > second + 1 &&
           *skip_digits(second + 1) == '\0';
}

/* The directory of a path, "." without one; the caller frees. */
static sb_status directory_of(char **out, const char *path)
{
    const char *slash = strrchr(path, '/');

    *out = !slash          ? sb__strndup(".", 1)
           : slash == path ? sb__strndup("/", 1)
                           : sb__strndup(path, (size_t)(slash - path));
    return *out ? SB_OK : sb__fail_nomem();
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends the paths of the status temporaries in lexical order. */
static sb_status add_temporaries(sb_strings *paths, const char *database)
{
    const char *slash = strrchr(database, '/');
    const char *base = slash ? slash + 1 : database;
    char **found = NULL;
    size_t count = 0;
    char *directory = NULL;
    struct dirent *entry;
    sb_status status = directory_of(&directory, database);
    DIR *dir = status ? NULL : opendir(directory);

    while (!status && dir && (entry = readdir(dir)) != NULL) {
        char **grown;

        if (!sb__is_status_temporary(entry->d_name, base)) {
            continue;
        }
        grown = sb__realloc(found, (count + 1) * sizeof *found);
        if (!grown) {
            status = sb__fail_nomem();
            break;
        }
        found = grown;
        status = sb__companion_path(&found[count], database, entry->d_name + strlen(base));
        count += !status;
    }
    if (count > 1) {
        qsort(found, count, sizeof *found, compare_paths);
    }
    for (size_t i = 0; i < count; i++) {
        if (!status) {
            status = sb_strings_add(paths, found[i], (size_t)SB_NTS);
        }
        sb_free(found[i]);
    }
    if (dir) {
        closedir(dir);
    }
    sb_free(found);
    sb_free(directory);
    return status;
}

/* Paths of a database's status files, or of all its files, in the order of their removal. */
static sb_status list_files(sb_strings **out, const char *database, int all)
{
    static const char *const suffixes[] = {".status",  ".vacuum.lock", ".lock", "-journal",
                                           "-wal",     "-shm",         ""};
    size_t count = all ? sizeof suffixes / sizeof suffixes[0] : 1;
    sb_strings *paths = sb_strings_new();
    sb_status status = paths ? add_temporaries(paths, database) : sb__fail_nomem();

    for (size_t i = 0; !status && i < count; i++) {
        char *path;

        status = sb__companion_path(&path, database, suffixes[i]);
        if (!status) {
            status = sb_strings_add(paths, path, (size_t)SB_NTS);
            sb_free(path);
        }
    }
    if (status) {
        sb_strings_free(paths);
        return status;
    }
    *out = paths;
    return SB_OK;
}

void sb__files_forget_status(const char *database)
{
    sb_strings *paths;

    if (!list_files(&paths, database, 0)) {
        for (size_t i = 0; i < paths->count; i++) {
            unlink(paths->items[i].data);
        }
        sb_strings_free(paths);
    }
}

sb_status sb__files_cleanup(const char *database)
{
    sb__str failures = SB__STR_INIT;
    int removed = 0;
    sb_strings *paths;
    sb_status status = list_files(&paths, database, 1);

    if (status) {
        return status;
    }
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i].data;

        if (!unlink(path)) {
            removed = 1;
        } else if (errno != ENOENT && errno != ENOTDIR) {
            int code = errno;

            sb__str_append_format(&failures, "%sunlink %s: %s", failures.len ? "; " : "", path,
                                  strerror(code));
        }
    }
    sb_strings_free(paths);
    status = sb__str_check(&failures);
    if (!status && failures.len) {
        status = sb__fail(SB_EDATABASE,
                          "SQLite cleanup was incomplete; other entries may already be gone; "
                          "failed attempts: %s",
                          failures.data);
    } else if (!status && !removed) {
        status = SB_EMPTY;
    }
    sb__str_dispose(&failures);
    return status;
}

sb_status sb__files_make_parents(const char *path)
{
    char *directory;
    struct stat info;
    sb_status status = directory_of(&directory, path);

    if (status) {
        return status;
    }
    if (!stat(directory, &info)) {
        if (!S_ISDIR(info.st_mode)) {
            status = sb__fail(SB_EIO, "not a directory: %s", directory);
        }
    } else if (errno != ENOENT) {
        status = sb__fail(SB_EIO, "%s: %s", strerror(errno), directory);
    } else {
        status = sb__files_make_parents(directory);
        if (!status && mkdir(directory, 0777) && errno != EEXIST) {
            status = sb__fail(SB_EIO, "cannot create directory %s: %s", directory,
                              strerror(errno));
        }
    }
    sb_free(directory);
    return status;
}
