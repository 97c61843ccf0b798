/* Spills to a temporary file in TMPDIR. */
#include "spool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { IN_MEMORY = 64 * 1024, PIECE = 64 * 1024 };

void spool_init(struct spool *spool)
{
    output_init(&spool->file, -1);
}

void spool_dispose(struct spool *spool)
{
    if (spool->file.fd >= 0) {
        close(spool->file.fd);
    }
    output_dispose(&spool->file);
}

static int open_unlinked(void)
{
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];
    int length, fd;

    if (directory == NULL || directory[0] == '\0') {
        directory = "/tmp";
    }
    length = snprintf(path, sizeof path, "%s/broker-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkstemp(path);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

bool spool_settle(struct spool *spool)
{
    struct output *file = &spool->file;

    if (file->error == 0 && file->used > IN_MEMORY) {
        if (file->fd < 0) {
            file->fd = open_unlinked();
        }
        if (file->fd < 0) {
            file->error = errno;
        } else {
            output_flush(file);
        }
    }
    return file->error == 0;
}

bool spool_copy(struct spool *spool, struct output *out)
{
    struct output *file = &spool->file;
    char piece[PIECE];
    ssize_t count;

    if (file->fd >= 0 && lseek(file->fd, 0, SEEK_SET) < 0) {
        file->error = errno;
        return false;
    }
    while (file->fd >= 0) {
        count = read(file->fd, piece, sizeof piece);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            file->error = errno;
            return false;
        }
        if (count == 0) {
            break;
        }
        if (!output_bytes(out, piece, (size_t)count) || !output_flush(out)) {
            return false;
        }
    }
    return output_bytes(out, file->buffer, file->used) && output_flush(out);
}
