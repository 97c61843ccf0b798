/*
 * Databases in a hostile world: other things under the name, damaged and lying files, full disks,
 * missing rights and descriptors. The answer is an error, never a crash or a wait without end, and
 * what is not ours does not change.
 */
#include "core/files_testing.h"
#include "faulty_vfs.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define NTS ((size_t)SB_NTS)

enum { PAGE = 4096, ORDINARY_USER = 65534 };

static sb_status open_it(sb_broker **out, const scratch *s, const char *path)
{
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.timeout_ms = 200;
    return sb_open_path(out, path, NTS, s->config, &options);
}

static void assert_not_opened(const scratch *s, const char *path)
{
    sb_broker *broker = NULL;
    sb_status status = open_it(&broker, s, path);

    if (status >= 0 || broker || !*sb_error_message(NULL)) {
        fail_msg("%s: SB_%s (%s)", path, sb_status_name(status), sb_error_message(NULL));
    }
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void test_open__things_that_are_no_files(void **state)
{
    scratch *s = *state;
    char other[160];

    snprintf(other, sizeof other, "%s/other", s->directory);
    assert_int_equal(mkdir(s->path, 0700), 0);
    assert_not_opened(s, s->path);
    assert_int_equal(rmdir(s->path), 0);
    assert_int_equal(mkfifo(s->path, 0600), 0);
    assert_not_opened(s, s->path);
    assert_int_equal(unlink(s->path), 0);
    make_socket(s->path);
    assert_not_opened(s, s->path);
    assert_int_equal(unlink(s->path), 0);
    assert_int_equal(symlink(other, s->path), 0);
    assert_int_equal(symlink(s->path, other), 0);
    assert_not_opened(s, s->path);
    assert_int_equal(unlink(other), 0);
    assert_not_opened(s, "/dev/null");
    assert_not_opened(s, "/dev/zero");
    assert_not_opened(s, "/dev/null/x.db");
    assert_not_opened(s, "/proc/self/x.db");
}

/* Does a little of everything; each call may fail, none may crash or hang. */
static void use_up(sb_broker *broker)
{
    sb_messages *messages = NULL;
    sb_queues *queues = NULL;
    sb_dump *dump = NULL;
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.timeout_ms = 100;
    options.flags = SB_INCLUDE_CLAIMED;
    sb_peek(&messages, broker, "q", 1, 1000, &options);
    sb_messages_free(messages);
    options.flags = 0;
    options.after = 5;
    sb_peek(&messages, broker, "q", 1, 10, &options);
    sb_messages_free(messages);
    sb_queues_list(&queues, broker, NULL, 0, NULL, 0, &options);
    sb_queues_free(queues);
    sb_search(&messages, broker, "q", 1, "body", 4, 10, &options);
    sb_messages_free(messages);
    if (sb_dump_open(&dump, broker, NULL, NULL, NULL) == SB_OK) {
        while (sb_dump_next(NULL, NULL, dump) == SB_OK) {
        }
        sb_dump_close(dump);
    }
    options.after = -1;
    sb_write(NULL, broker, "q", 1, "more", 4, &options);
    sb_claim(&messages, broker, "q", 1, 5, &options);
    sb_messages_free(messages);
    sb_move(&messages, broker, "q", 1, "r", 1, 5, &options);
    sb_messages_free(messages);
    sb_delete_queue(NULL, broker, "q", 1, &options);
    sb_vacuum(NULL, broker, &options);
}

static char *make_database(size_t *out_size, scratch *s)
{
    char body[600];

    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    for (int i = 0; i < 40; i++) {
        put(s->broker, i % 3 ? "q" : "another", body);
    }
    assert_ok(sb_alias_add(s->broker, "a", 1, "q", 1, NULL));
    sb_close(s->broker);
    s->broker = NULL;
    return read_file(out_size, s->path);
}

static void try_damaged(scratch *s, const char *bytes, size_t size)
{
    static const char *const companions[] = {"-wal", "-shm", ".lock", ".status", ".vacuum.lock"};
    sb_broker *broker = NULL;

    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        char name[160];

        snprintf(name, sizeof name, "%s%s", s->path, companions[i]);
        unlink(name);
    }
    write_file(s->path, bytes, size);
    if (open_it(&broker, s, s->path) == SB_OK) {
        use_up(broker);
    } else {
        assert_true(*sb_error_message(NULL));
    }
    sb_close(broker);
}

static void test_damage__anywhere_is_survived(void **state)
{
    static const char *const patterns[] = {"\x00\x00\x00\x00\x00\x00\x00\x00",
                                           "\xff\xff\xff\xff\xff\xff\xff\xff",
                                           "\x0d\x7f\x00\x01\x80\x05\x0a\x02"};
    scratch *s = *state;
    size_t size;
    char *sound = make_database(&size, s);
    char *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t at = 0; at < size; at += 512) {
        const char *pattern = patterns[at / 512 % 3];

        memcpy(bytes, sound, size);
        for (size_t i = at; i < at + (at / 512 % 2 ? 512 : 16) && i < size; i++) {
            bytes[i] = pattern[i % 8];
        }
        try_damaged(s, bytes, size);
    }
    for (size_t at = 0; at < 100; at += 3) {
        memcpy(bytes, sound, size);
        bytes[at] = (char)(bytes[at] ^ 0x55);
        try_damaged(s, bytes, size);
    }
    free(bytes);
    free(sound);
}

static void test_truncation__anywhere_is_survived(void **state)
{
    scratch *s = *state;
    size_t size;
    char *sound = make_database(&size, s);

    for (size_t length = 1; length < size; length += length < 200 ? 33 : 1536) {
        try_damaged(s, sound, length);
    }
    for (size_t pages = 1; pages < size / PAGE; pages++) {
        try_damaged(s, sound, pages * PAGE);
    }
    free(sound);
}

/* Tables of the right names that hold the wrong things. */
static void test_schema__hostile_contents_are_survived(void **state)
{
    static const char *const schemas[] = {
        VERSION_1_TABLES MAGIC_ROW "INSERT INTO messages (queue, body, ts) VALUES "
                                   "('q', x'00ff80', 5), ('q', 'x', -7), ('q', 'y', 'text'), "
                                   "(x'ff', 'z', 1e300), ('q', 3.5, 9223372036854775807)",
        "CREATE VIEW messages AS SELECT 1 AS id, 'q' AS queue, 'b' AS body, 1 AS ts, 0 AS claimed",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, queue, body, ts, claimed AS (id % 2))",
        "CREATE TABLE messages (x); CREATE TABLE queue_aliases (y); CREATE TABLE meta (z)",
        VERSION_1_TABLES MAGIC_ROW "CREATE TRIGGER t BEFORE UPDATE ON messages BEGIN "
                                   "SELECT RAISE(ABORT, 'no'); END;" TWO_MESSAGES,
        VERSION_1_TABLES MAGIC_ROW "CREATE TRIGGER t AFTER INSERT ON messages BEGIN "
                                   "DELETE FROM messages; END;" TWO_MESSAGES,
        VERSION_1_TABLES MAGIC_ROW "UPDATE meta SET value = 'text' WHERE key = 'last_ts'",
        VERSION_1_TABLES MAGIC_ROW "UPDATE meta SET value = x'00' WHERE key = 'schema_version'",
        VERSION_1_TABLES MAGIC_ROW "UPDATE meta SET value = -5 WHERE key = 'schema_version'",
        VERSION_1_TABLES MAGIC_ROW "UPDATE meta SET value = 9223372036854775807 "
                                   "WHERE key = 'last_ts'",
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL); "
        "INSERT INTO meta VALUES ('magic', x'00'), ('schema_version', 1e999)",
        "CREATE VIEW meta AS SELECT 'magic' AS key, 'simplebroker-v1' AS value",
    };
    scratch *s = *state;

    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        sb_broker *broker = NULL;

        sqlite_exec(s->path, schemas[i]);
        if (open_it(&broker, s, s->path) == SB_OK) {
            use_up(broker);
        } else {
            assert_true(*sb_error_message(NULL));
        }
        sb_close(broker);
        nftw(s->directory, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        assert_int_equal(mkdir(s->directory, 0700), 0);
    }
}

/* Runs a test in a process of its own, which may lose its rights. */
static void in_child(scratch *s, int (*body)(scratch *))
{
    pid_t child = fork();
    int result;

    assert_true(child >= 0);
    if (!child) {
        alarm(20);
        _exit(body(s));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

/* 0 if `status` is a failure with a message, else a number that tells where. */
static int refused(sb_status status, int where)
{
    return status < 0 && *sb_error_message(NULL) ? 0 : where;
}

static int without_descriptors(scratch *s)
{
    struct rlimit none = {3, 64};
    sb_broker *broker = NULL;
    sb_cancel *cancel = NULL;

    if (setrlimit(RLIMIT_NOFILE, &none)) {
        return 10;
    }
    if (refused(open_it(&broker, s, s->path), 1) || refused(sb_cancel_new(&cancel), 2)) {
        return 1;
    }
    none.rlim_cur = 64;
    if (setrlimit(RLIMIT_NOFILE, &none) || open_it(&broker, s, s->path)) {
        return 11;
    }
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    if (sb_write(NULL, broker, "q", 1, "x", 1, NULL)) {
        return 3; /* a connection that is open needs no more descriptors */
    }
    if (refused(sb_backup(broker, "/tmp/simplebroker-no-descriptor", NTS, NULL), 4)) {
        return 4;
    }
    sb_close(broker);
    return 0;
}

static void test_descriptors__none_left(void **state)
{
    in_child(*state, without_descriptors);
}

/* Files can grow no further, as on a full disk. */
static int on_a_full_disk(scratch *s)
{
    struct rlimit limit = {512 * 1024, RLIM_INFINITY};
    sb_messages *messages = NULL;
    char body[2000];
    int64_t written = 0, pending = -1;

    memset(body, 'x', sizeof body);
    signal(SIGXFSZ, SIG_IGN);
    if (open_it(&s->broker, s, s->path) || setrlimit(RLIMIT_FSIZE, &limit)) {
        return 10;
    }
    while (sb_write(NULL, s->broker, "q", 1, body, sizeof body, NULL) == SB_OK) {
        written++;
    }
    if (refused(sb_error_status(NULL), 1) || !written) {
        return 1;
    }
    if (sb_claim(&messages, s->broker, "q", 1, 1, NULL) == SB_OK) {
        sb_messages_free(messages);
        written--;
    }
    if (sb_queue_stats(&pending, NULL, s->broker, "q", 1, NULL) || pending != written) {
        return 2;
    }
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (sb_write(NULL, s->broker, "q", 1, body, sizeof body, NULL)) {
        return 3;
    }
    sb_close(s->broker);
    return 0;
}

static void test_full_disk__is_told_and_nothing_is_lost(void **state)
{
    scratch *s = *state;

    in_child(s, on_a_full_disk);
    assert_sqlite_rows(s->path, "PRAGMA integrity_check", "ok\n");
}

static int without_rights(scratch *s)
{
    sb_broker *broker = NULL;
    char copy[160];

    snprintf(copy, sizeof copy, "%s/copy.db", s->directory);
    if (geteuid() == 0 && (setegid(ORDINARY_USER) || seteuid(ORDINARY_USER))) {
        return 10;
    }
    if (refused(open_it(&broker, s, copy), 1)) {
        return 1;
    }
    if (open_it(&broker, s, s->path) == SB_OK &&
        refused(sb_write(NULL, broker, "q", 1, "x", 1, NULL), 2)) {
        return 2;
    }
    sb_close(broker);
    return 0;
}

static void test_rights__missing_ones_are_told(void **state)
{
    scratch *s = *state;
    size_t size, after_size;
    char *before = make_database(&size, s), *after;

    assert_int_equal(chmod(s->path, 0444), 0);
    assert_int_equal(chmod(s->directory, 0555), 0);
    in_child(s, without_rights);
    assert_int_equal(chmod(s->directory, 0700), 0);
    after = read_file(&after_size, s->path);
    assert_int_equal(size, after_size);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

static void test_directory__vanishes_while_open(void **state)
{
    scratch *s = *state;
    char moved[96];

    snprintf(moved, sizeof moved, "%s.moved", s->directory);
    put(s->broker, "q", "x");
    assert_int_equal(rename(s->directory, moved), 0);
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "y", 1, NULL));
    assert_message("deleted while it was open");
    assert_int_equal(sb_error_retryable(NULL), 0);
    assert_int_equal(rename(moved, s->directory), 0);
    put(s->broker, "q", "y");
    assert_pending(s->broker, "q", 2);
}

static void test_database__replaced_while_open(void **state)
{
    scratch *s = *state;
    char old[160];

    snprintf(old, sizeof old, "%s/old.db", s->directory);
    put(s->broker, "q", "x");
    assert_int_equal(rename(s->path, old), 0);
    write_file(s->path, "not a database", 14);
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "y", 1, NULL));
    assert_message("replaced while it was open");
    assert_int_equal(rename(old, s->path), 0);
    put(s->broker, "q", "y");
}

static void test_wal__deleted_while_open(void **state)
{
    scratch *s = *state;
    char name[160];

    put(s->broker, "q", "before");
    snprintf(name, sizeof name, "%s-wal", s->path);
    assert_int_equal(unlink(name), 0);
    put(s->broker, "q", "after");
    assert_pending(s->broker, "q", 2);
    sb_close(s->broker);
    s->broker = NULL;
    assert_sqlite_rows(s->path, "PRAGMA integrity_check", "ok\n");
    assert_sqlite_rows(s->path, "SELECT body FROM messages ORDER BY id", "before\nafter\n");
}

int main(void)
{
#define NEW(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
#define OPEN(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        NEW(test_open__things_that_are_no_files),
        NEW(test_damage__anywhere_is_survived),
        NEW(test_truncation__anywhere_is_survived),
        NEW(test_schema__hostile_contents_are_survived),
        NEW(test_descriptors__none_left),
        NEW(test_full_disk__is_told_and_nothing_is_lost),
        NEW(test_rights__missing_ones_are_told),
        OPEN(test_directory__vanishes_while_open),
        OPEN(test_database__replaced_while_open),
        OPEN(test_wal__deleted_while_open),
    };

    /* Here for its syncs, which cost no time. */
    if (faulty_vfs_register()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
