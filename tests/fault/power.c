/*
 * The memory of a power cut. A sync makes all bytes of its file durable; writes since then reach
 * the disk in any order, or not at all.
 */
#include "power.h"

#include "faulty_vfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 8, WRITES = 4096 };

typedef struct power_write {
    char *bytes;
    size_t size, at;
} power_write;

struct power_file {
    char name[256];
    int exists;
    char *durable;
    size_t size;
    power_write writes[WRITES];
    size_t count;
};

static char watched[256]; /* path of the database; its companions' names begin with it */
static power_file files[FILES];

static void forget_writes(power_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->writes[i].bytes);
    }
    file->count = 0;
}

static power_file *find(const char *name)
{
    for (size_t i = 0; i < FILES; i++) {
        if (strcmp(files[i].name, name) == 0) {
            return &files[i];
        }
    }
    return NULL;
}

void faulty_watch_power(const char *path)
{
    snprintf(watched, sizeof watched, "%s", path);
}

void faulty_forget_power(void)
{
    watched[0] = '\0';
    for (size_t i = 0; i < FILES; i++) {
        forget_writes(&files[i]);
        free(files[i].durable);
        files[i].durable = NULL;
        files[i].size = 0;
        files[i].exists = 0;
        files[i].name[0] = '\0';
    }
}

power_file *power_open(const char *name)
{
    power_file *file;

    if (!watched[0] || strncmp(name, watched, strlen(watched)) != 0) {
        return NULL;
    }
    file = find(name);
    if (!file) {
        file = find("");
        if (!file) {
            return NULL;
        }
        snprintf(file->name, sizeof file->name, "%s", name);
    }
    file->exists = 1;
    return file;
}

/* When too many writes are pending, the oldest is forgotten as one that never reached the disk. */
void power_note_write(power_file *file, const void *bytes, size_t size, size_t at)
{
    power_write *w;

    if (file->count == WRITES) {
        free(file->writes[0].bytes);
        memmove(file->writes, file->writes + 1, (WRITES - 1) * sizeof *file->writes);
        file->count--;
    }
    w = &file->writes[file->count];
    w->bytes = malloc(size);
    if (w->bytes) {
        memcpy(w->bytes, bytes, size);
        w->size = size;
        w->at = at;
        file->count++;
    }
}

void power_note_sync(power_file *file, sqlite3_file *real)
{
    sqlite3_int64 size = 0;

    forget_writes(file);
    real->pMethods->xFileSize(real, &size);
    file->durable = realloc(file->durable, (size_t)size + 1);
    file->size = (size_t)size;
    real->pMethods->xRead(real, file->durable, (int)size, 0);
}

void power_note_delete(const char *name)
{
    power_file *file = find(name);

    if (file && *name) {
        forget_writes(file);
        file->size = 0;
        file->exists = 0;
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7fff;
}

static void put(int fd, const char *bytes, size_t size, size_t at)
{
    if (pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size) {
        abort();
    }
}

void faulty_cut_power(const char *directory, unsigned seed)
{
    for (size_t i = 0; i < FILES; i++) {
        power_file *file = &files[i];
        const char *slash = strrchr(file->name, '/');
        char path[512];
        int fd;

        if (!file->exists || !slash) {
            continue;
        }
        snprintf(path, sizeof path, "%s%s", directory, slash);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
        put(fd, file->durable ? file->durable : "", file->size, 0);
        for (size_t w = 0; seed && w < file->count; w++) {
            if (next_random(&seed) & 1) {
                put(fd, file->writes[w].bytes, file->writes[w].size, file->writes[w].at);
            }
        }
        close(fd);
    }
}
