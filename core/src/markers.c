/*
 * Set-up markers: extended attributes user.simplebroker.<phase> with the value "1", or the file
 * F.status with one phase in each line, replaced atomically.
 */
#include "markers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "files.h"
#include "str.h"

enum { PHASES = 3, HEADER_SIZE = 16, STATUS_LIMIT = 64 * 1024 };

static const char *const phase_names[PHASES] = {"connection", "schema-v5", "optimization"};
static const char *const attribute_names[PHASES] = {"user.simplebroker.connection",
                                                    "user.simplebroker.schema-v5",
                                                    "user.simplebroker.optimization"};

static int attributes_are_disabled(void)
{
    static const char *const off[] = {"0", "false", "no", "off", "fallback", "status", "none"};
    const char *value = getenv("PHASELOCK_ENABLE_XATTRS");
    size_t len;

    if (!value) {
        return 0;
    }
    while (isspace((unsigned char)*value)) {
        value++;
    }
    len = strlen(value);
    while (len > 0 && isspace((unsigned char)value[len - 1])) {
        len--;
    }
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        if (strlen(off[i]) == len && !strncasecmp(value, off[i], len)) {
            return 1;
        }
    }
    return 0;
}

static ssize_t get_attribute(const char *path, const char *name, char *value, size_t size)
{
#if defined(__APPLE__)
    return getxattr(path, name, value, size, 0, 0);
#else
    return getxattr(path, name, value, size);
#endif
}

static int set_attribute(const char *path, const char *name)
{
#if defined(__APPLE__)
    return setxattr(path, name, "1", 1, 0, 0);
#else
    return setxattr(path, name, "1", 1, 0);
#endif
}

static int is_unsupported(int code)
{
    return code == ENOTSUP || code == EOPNOTSUPP || code == ENOSYS || code == EPERM;
}

/* 0 where the file system has no attributes. */
static int get_from_attributes(const char *database, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < PHASES; i++) {
        char value[8];
        ssize_t size = get_attribute(database, attribute_names[i], value, sizeof value);

        if (size == 1 && value[0] == '1') {
            *out |= 1u << i;
        } else if (size < 0 && is_unsupported(errno)) {
            return 0;
        }
    }
    return 1;
}

/* The text of F.status; empty when it cannot be read or is too large. */
static void read_status(sb__str *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char block[1024];
    ssize_t size;

    if (fd < 0) {
        return;
    }
    while ((size = read(fd, block, sizeof block)) > 0 && out->len <= STATUS_LIMIT) {
        sb__str_append(out, block, (size_t)size);
    }
    close(fd);
    if (size < 0 || out->len > STATUS_LIMIT) {
        sb__str_reset(out);
    }
}

static unsigned parse_status(const sb__str *text)
{
    const char *line = text->data ? text->data : "";
    unsigned phases = 0;

    while (*line) {
        size_t len = strcspn(line, "\r\n");

        for (int i = 0; i < PHASES; i++) {
            if (strlen(phase_names[i]) == len && !strncmp(line, phase_names[i], len)) {
                phases |= 1u << i;
            }
        }
        line += len;
        line += strspn(line, "\r\n");
    }
    return phases;
}

static unsigned get_from_status(const char *database)
{
    sb__str text = SB__STR_INIT;
    unsigned phases = 0;
    char *path;

    if (!sb__companion_path(&path, database, ".status")) {
        read_status(&text, path);
        phases = parse_status(&text);
        sb__str_dispose(&text);
        sb_free(path);
    }
    return phases;
}

static int write_file(const char *path, const sb__str *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int ok;

    if (fd < 0) {
        return 0;
    }
    ok = write(fd, text->data, text->len) == (ssize_t)text->len && !fsync(fd);
    if (close(fd) || !ok) {
        unlink(path);
        return 0;
    }
    return 1;
}

static void set_in_status(const char *database, unsigned phases)
{
    sb__str text = SB__STR_INIT, temporary = SB__STR_INIT;
    char *path;

    if (sb__companion_path(&path, database, ".status")) {
        return;
    }
    for (int i = 0; i < PHASES; i++) {
        if (phases & 1u << i) {
            sb__str_append_format(&text, "%s\n", phase_names[i]);
        }
    }
    sb__str_append_format(&temporary, "%s.tmp.%ld.%lld", path, (long)getpid(),
                          (long long)sb__clock_wall_ns());
    if (!text.failed && !temporary.failed && write_file(temporary.data, &text) &&
        rename(temporary.data, path)) {
        unlink(temporary.data);
    }
    sb__str_dispose(&temporary);
    sb__str_dispose(&text);
    sb_free(path);
}

unsigned sb__markers_get(const char *database)
{
    unsigned phases;

    if (!attributes_are_disabled() && get_from_attributes(database, &phases)) {
        return phases;
    }
    return get_from_status(database);
}

void sb__markers_set(const char *database, unsigned phases)
{
    unsigned old = 0;

    if (attributes_are_disabled() || !get_from_attributes(database, &old)) {
        old = get_from_status(database);
        if ((old | phases) != old) {
            set_in_status(database, old | phases);
        }
        return;
    }
    for (int i = 0; i < PHASES; i++) {
        if ((phases & ~old) & 1u << i) {
            set_attribute(database, attribute_names[i]);
        }
    }
}

void sb__markers_forget_missing(const char *database)
{
    struct stat info;

    if (stat(database, &info) ? errno == ENOENT : info.st_size < HEADER_SIZE) {
        sb__files_forget_status(database);
    }
}
