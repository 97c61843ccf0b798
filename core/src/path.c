/*
 * Paths. realpath() would not do: it fails for a path whose end does not exist yet, which is the
 * ordinary state of a database before its first message.
 */
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "str.h"
#include "string_list.h"

enum { LINKS_MAX = 40, USER_BUFFER_SIZE = 16384 };

static sb_status duplicate(char **out, const char *text, size_t len)
{
    *out = sb__strndup(text, len);
    return *out ? SB_OK : sb__fail_nomem();
}

sb_status sb__path_from_arg(char **out, const char *text, size_t len)
{
    *out = NULL;
    len = sb__text_length(text, len);
    if (len && memchr(text, '\0', len)) {
        return sb__fail(SB_EINVALID, "embedded null byte in path");
    }
    return duplicate(out, text ? text : "", len);
}

sb_status sb__path_join(char **out, const char *directory, const char *name)
{
    sb__str path = SB__STR_INIT;
    size_t len = strlen(directory);

    *out = NULL;
    if (len && name[0] != '/') {
        sb__str_append(&path, directory, len);
        if (name[0] && directory[len - 1] != '/') {
            sb__str_append_char(&path, '/');
        }
    }
    sb__str_append_text(&path, name);
    return sb__str_take(out, NULL, &path);
}

/* Length of the component at `p`; slashes before it are skipped. */
static size_t component(const char **p)
{
    while (**p == '/') {
        (*p)++;
    }
    return strcspn(*p, "/");
}

static int is_named(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

static void append_component(sb__str *path, const char *name, size_t len)
{
    if (path->len && path->data[path->len - 1] != '/') {
        sb__str_append_char(path, '/');
    }
    sb__str_append(path, name, len);
}

sb_status sb__path_normalize(char **out, const char *path)
{
    sb__str normal = SB__STR_INIT;
    const char *p = path;
    size_t n;

    *out = NULL;
    if (path[0] == '/') {
        /* POSIX leaves the meaning of exactly two slashes open, and pathlib keeps them. */
        sb__str_append_text(&normal, path[1] == '/' && path[2] != '/' ? "//" : "/");
    }
    while ((n = component(&p)) > 0) {
        if (!is_named(p, n, ".")) {
            append_component(&normal, p, n);
        }
        p += n;
    }
    if (normal.len == 0) {
        sb__str_append_char(&normal, '.');
    }
    return sb__str_take(out, NULL, &normal);
}

sb_status sb__path_cwd(char **out)
{
    size_t size = 256;
    char *path = NULL;

    *out = NULL;
    for (;;) {
        char *grown = sb__realloc(path, size);

        if (!grown) {
            sb_free(path);
            return sb__fail_nomem();
        }
        path = grown;
        if (getcwd(path, size)) {
            *out = path;
            return SB_OK;
        }
        if (errno != ERANGE) {
            sb_free(path);
            return sb__fail(SB_EINVALID, "the current directory cannot be read: %s",
                            strerror(errno));
        }
        size *= 2;
    }
}

sb_status sb__path_absolute(char **out, const char *path)
{
    char *joined = NULL;
    char *cwd = NULL;
    sb_status status = SB_OK;

    *out = NULL;
    if (path[0] != '/') {
        status = sb__path_cwd(&cwd);
    }
    if (status == SB_OK) {
        status = sb__path_join(&joined, cwd ? cwd : "", path);
    }
    if (status == SB_OK) {
        status = sb__path_normalize(out, joined);
    }
    sb_free(joined);
    sb_free(cwd);
    return status;
}

static void drop_last(sb__str *path)
{
    while (path->len && path->data[path->len - 1] != '/') {
        path->len--;
    }
    if (path->len) {
        path->len--;
        path->data[path->len] = '\0';
    }
}

/* What a link says; SB_EMPTY if the path is no link, or does not exist. */
static sb_status read_link(char **out, const char *path)
{
    struct stat info;
    char target[PATH_MAX];
    ssize_t n;

    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) {
        return SB_EMPTY;
    }
    n = readlink(path, target, sizeof target);
    return n <= 0 || (size_t)n == sizeof target ? SB_EMPTY : duplicate(out, target, (size_t)n);
}

/* Takes one component of `rest` over to `done`, which is empty for the root. */
static sb_status resolve_step(sb__str *done, char **rest, int *links, const char *path)
{
    const char *p = *rest;
    size_t n = component(&p);
    char *target = NULL;
    char *joined = NULL;
    sb_status status;

    if (is_named(p, n, "..")) {
        drop_last(done);
    } else if (!is_named(p, n, ".")) {
        sb__str_append_char(done, '/');
        sb__str_append(done, p, n);
        status = sb__str_check(done);
        if (status == SB_OK) {
            status = read_link(&target, done->data);
        }
        if (status == SB_OK && ++*links > LINKS_MAX) {
            status = sb__fail(SB_EINVALID, "Symlink loop from '%s'", path);
        }
        if (status == SB_OK) {
            drop_last(done);
            if (target[0] == '/') {
                sb__str_reset(done);
            }
            status = sb__path_join(&joined, target, p[n] ? p + n + 1 : "");
        }
        sb_free(target);
        if (status < 0) {
            return status;
        }
        if (joined) {
            sb_free(*rest);
            *rest = joined;
            return SB_OK;
        }
    }
    memmove(*rest, p + n, strlen(p + n) + 1);
    return SB_OK;
}

sb_status sb__path_resolve(char **out, const char *path)
{
    sb__str done = SB__STR_INIT;
    char *rest = NULL;
    int links = 0;
    sb_status status;

    *out = NULL;
    status = path[0] == '/' ? duplicate(&rest, path, strlen(path)) : sb__path_absolute(&rest, path);
    while (status == SB_OK && rest[strspn(rest, "/")]) {
        status = resolve_step(&done, &rest, &links, path);
    }
    if (status == SB_OK) {
        if (done.len == 0) {
            sb__str_append_char(&done, '/');
        }
        status = sb__str_take(out, NULL, &done);
    }
    sb__str_dispose(&done);
    sb_free(rest);
    return status;
}

/* Home of the user whose name `name` is; the process's own user for an empty one. */
static sb_status home_of(char **out, const char *name)
{
    const char *home = name[0] ? NULL : getenv("HOME");
    struct passwd entry;
    struct passwd *found = NULL;
    char *buffer = NULL;
    sb_status status;

    if (!home) {
        buffer = sb_alloc(USER_BUFFER_SIZE);
        if (!buffer) {
            return sb__fail_nomem();
        }
        if (name[0]) {
            getpwnam_r(name, &entry, buffer, USER_BUFFER_SIZE, &found);
        } else {
            getpwuid_r(getuid(), &entry, buffer, USER_BUFFER_SIZE, &found);
        }
        home = found ? found->pw_dir : NULL;
    }
    if (home) {
        status = duplicate(out, home, strlen(home));
    } else {
        status = sb__fail(SB_EINVALID, "no home directory is known for '~%s'", name);
    }
    sb_free(buffer);
    return status;
}

sb_status sb__path_expand_user(char **out, const char *path)
{
    size_t n = strcspn(path, "/");
    char *name = NULL;
    char *home = NULL;
    sb_status status;

    *out = NULL;
    if (path[0] != '~') {
        return duplicate(out, path, strlen(path));
    }
    status = duplicate(&name, path + 1, n - 1);
    if (status == SB_OK) {
        status = home_of(&home, name);
    }
    if (status == SB_OK) {
        status = sb__path_join(out, home, path[n] ? path + n + 1 : "");
    }
    sb_free(home);
    sb_free(name);
    return status;
}

sb_status sb__path_parent(char **out, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (!slash) {
        return duplicate(out, ".", 1);
    }
    return duplicate(out, path, len ? len : 1);
}

int sb__path_is_beneath(const char *path, const char *directory)
{
    size_t n = strlen(directory);

    if (n == 1) {
        return 1;
    }
    return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
