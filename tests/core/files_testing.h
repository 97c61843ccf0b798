/*
 * What the tests of database files share: making files with plain SQLite, reading them back, and
 * seeing that nothing of them has changed.
 */
#ifndef SB_FILES_TESTING_H
#define SB_FILES_TESTING_H

#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* Runs statements on a file, with SQLite alone. */
static inline void sqlite_exec(const char *path, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    sqlite3_close(db);
}

static inline int sqlite_collect_row(void *payload, int count, char **values, char **names)
{
    char *out = payload;

    (void)names;
    for (int i = 0; i < count; i++) {
        size_t used = strlen(out);

        snprintf(out + used, 8192 - used, "%s%s", values[i] ? values[i] : "NULL",
                 i + 1 < count ? "|" : "\n");
    }
    return 0;
}

/* The rows of a question as the shell prints them are exactly these. */
static inline void assert_sqlite_rows(const char *path, const char *sql, const char *expected)
{
    char rows[8192] = "";
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, sqlite_collect_row, rows, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_string_equal(rows, expected);
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

/* All bytes of a file; the caller frees. */
static inline char *read_file(size_t *out_size, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat info;
    char *bytes;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    *out_size = (size_t)info.st_size;
    bytes = malloc(*out_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, *out_size), info.st_size);
    close(fd);
    return bytes;
}

static inline int file_exists(const char *path, const char *suffix)
{
    char name[256];
    struct stat info;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return !lstat(name, &info);
}

static inline void make_companion(const char *path, const char *suffix)
{
    char name[256];

    snprintf(name, sizeof name, "%s%s", path, suffix);
    write_file(name, "x", 1);
}

static inline int count_entries(const char *directory)
{
    DIR *dir = opendir(directory);
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

/* Statements that make the tables of schema version 1, without magic. */
#define VERSION_1_TABLES                                                                           \
    "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, "           \
    "body TEXT NOT NULL, ts INTEGER NOT NULL);"                                                    \
    "CREATE INDEX idx_queue_ts ON messages(queue, ts);"                                            \
    "CREATE INDEX idx_queue_id ON messages(queue, id);"                                            \
    "CREATE INDEX idx_messages_queue_ts ON messages(queue, ts);"                                   \
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);"                            \
    "INSERT INTO meta VALUES ('last_ts', 7), ('schema_version', 1);"
#define MAGIC_ROW "INSERT INTO meta VALUES ('magic', 'simplebroker-v1');"
#define TWO_MESSAGES                                                                               \
    "INSERT INTO messages (queue, body, ts) VALUES ('q', 'one', 5), ('q', 'two', 6);"

#endif
