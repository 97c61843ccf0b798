/*
 * Processes that are killed at any moment, and machines that lose power: what was acknowledged is
 * there, nothing is acknowledged twice, and the file is sound.
 */
#include "core/files_testing.h"
#include "faulty_vfs.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define NTS ((size_t)SB_NTS)

enum { ROUNDS = 40, WORKERS = 3, MAX_ACKS = 200000 };

typedef enum worker { WRITER, CLAIMER, MOVER } worker;

/* What a worker reports after a call has returned. A pipe takes so few bytes in one piece. */
typedef struct ack {
    int64_t id;
    int64_t worker;
} ack;

static ack acks[MAX_ACKS];
static size_t ack_count;

static void report(int fd, worker who, int64_t id)
{
    ack a = {id, (int64_t)who};

    if (write(fd, &a, sizeof a) != (ssize_t)sizeof a) {
        _exit(2);
    }
}

static void take(sb_broker *broker, worker who, int fd)
{
    sb_messages *messages = NULL;
    sb_status status = who == CLAIMER
                           ? sb_claim(&messages, broker, "in", NTS, 3, NULL)
                           : sb_move(&messages, broker, "in", NTS, "out", NTS, 2, NULL);

    if (status < 0) {
        fprintf(stderr, "%s\n", sb_error_message(NULL));
        _exit(3);
    }
    for (size_t i = 0; i < sb_messages_count(messages); i++) {
        report(fd, who, sb_messages_id(messages, i));
    }
    sb_messages_free(messages);
}

/* The life of a child: works until it is killed. */
static void work(const scratch *s, worker who, int fd)
{
    sb_broker *broker;

    if (sb_open_path(&broker, s->path, NTS, s->config, NULL)) {
        fprintf(stderr, "%s\n", sb_error_message(NULL));
        _exit(4);
    }
    for (;;) {
        int64_t id;

        if (who != WRITER) {
            take(broker, who, fd);
        } else if (sb_write(&id, broker, "in", NTS, "body", 4, NULL)) {
            fprintf(stderr, "%s\n", sb_error_message(NULL));
            _exit(5);
        } else {
            report(fd, who, id);
        }
    }
}

static pid_t start(const scratch *s, worker who, const int fds[2])
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        close(fds[0]);
        work(s, who, fds[1]);
    }
    return child;
}

/* Reads what the children report until `moment`, or, after their death, all that is left. */
static void collect(int fd, int64_t microseconds)
{
    struct timespec pause = {0, (long)microseconds * 1000};
    ssize_t n;

    nanosleep(&pause, NULL);
    while (ack_count < MAX_ACKS &&
           (n = read(fd, &acks[ack_count], sizeof acks[0])) == (ssize_t)sizeof acks[0]) {
        ack_count++;
    }
}

static void kill_round(const scratch *s, unsigned *seed)
{
    pid_t children[WORKERS];
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < WORKERS; i++) {
        children[i] = start(s, (worker)i, fds);
    }
    collect(fds[0], 2000 + (int64_t)(rand_r(seed) % 40000));
    for (int i = 0; i < WORKERS; i++) {
        int result;

        kill(children[i], SIGKILL);
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
        collect(fds[0], 0);
    }
    close(fds[0]);
    close(fds[1]);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Puts the acknowledged ids of a worker into the table `acked`, in order; none stands twice. */
static void store_acks(sqlite3 *db, worker who)
{
    static int64_t ids[MAX_ACKS];
    sqlite3_stmt *insert;
    size_t count = 0;

    for (size_t i = 0; i < ack_count; i++) {
        if (acks[i].worker == (int64_t)who) {
            ids[count++] = acks[i].id;
        }
    }
    assert_true(count > 0);
    qsort(ids, count, sizeof ids[0], compare);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO acked VALUES (?, ?)", -1, &insert, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || ids[i] != ids[i - 1]);
        sqlite3_bind_int64(insert, 1, ids[i]);
        sqlite3_bind_int(insert, 2, (int)who);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
}

static void check_ledger(const scratch *s)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; CREATE TABLE acked (ts INTEGER, worker INTEGER)",
                                  NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < WORKERS; i++) {
        store_acks(db, (worker)i);
    }
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_sqlite_rows(s->path, "PRAGMA integrity_check", "ok\n");
    /* Written: there, wherever it is now. Claimed: claimed. Moved: pending in the other queue. */
    assert_sqlite_rows(s->path, "SELECT count(*) FROM acked WHERE worker = 0 AND ts NOT IN "
                                "(SELECT ts FROM messages)", "0\n");
    assert_sqlite_rows(s->path, "SELECT count(*) FROM acked WHERE worker = 1 AND ts NOT IN "
                                "(SELECT ts FROM messages WHERE claimed AND queue = 'in')", "0\n");
    assert_sqlite_rows(s->path, "SELECT count(*) FROM acked WHERE worker = 2 AND ts NOT IN "
                                "(SELECT ts FROM messages WHERE NOT claimed AND queue = 'out')",
                       "0\n");
}

static void test_kill__acknowledged_work_is_done_once(void **state)
{
    scratch *s = *state;
    int rounds = getenv("SB_VALGRIND") ? 4 : ROUNDS;
    unsigned seed = 20;

    ack_count = 0;
    for (int round = 0; round < rounds; round++) {
        kill_round(s, &seed);
    }
    check_ledger(s);
}

static void test_kill__first_opening_can_be_cut_short(void **state)
{
    scratch *s = *state;
    unsigned seed = 7;

    for (int round = 0; round < ROUNDS; round++) {
        int fds[2], result;
        pid_t child;

        assert_int_equal(pipe(fds), 0);
        child = start(s, WRITER, fds);
        usleep(rand_r(&seed) % 4000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &result, 0), child);
        close(fds[0]);
        close(fds[1]);
        assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
        put(s->broker, "q", "x");
        sb_close(s->broker);
        s->broker = NULL;
        assert_sqlite_rows(s->path, "PRAGMA integrity_check", "ok\n");
        nftw(s->directory, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        assert_int_equal(mkdir(s->directory, 0700), 0);
    }
}

/* Reads the database in `directory` as the next start of the machine would. */
static void check_after_cut(const scratch *s, const char *directory, const int64_t *ids, int count,
                            const char *claimed)
{
    sb_broker *broker;
    char path[160];

    snprintf(path, sizeof path, "%s/test.db", directory);
    assert_sqlite_rows(path, "PRAGMA integrity_check", "ok\n");
    assert_ok(sb_open_path(&broker, path, NTS, s->config, NULL));
    for (int i = 0; i < count; i++) {
        sb_messages *messages = NULL;
        sb_options options;

        sb_options_init(&options, SB_OPTIONS_VERSION);
        options.flags = SB_INCLUDE_CLAIMED;
        assert_ok(sb_peek_id(&messages, broker, "q", 1, ids[i], &options));
        sb_messages_free(messages);
    }
    sb_close(broker);
    assert_sqlite_rows(path, "SELECT count(*) FROM messages WHERE claimed", claimed);
}

/* What was acknowledged at FULL survives whatever happens to writes that were not synced. */
static void test_power_cut__acknowledged_messages_survive(void **state)
{
    scratch *s = *state;
    enum { MESSAGES = 120, CLAIM_EVERY = 5 };
    static int64_t ids[MESSAGES];
    char directory[128], claimed[16];
    int claims = 0;

    assert_ok(sb_config_set_text(s->config, "BROKER_SYNC_MODE", NTS, "FULL", 4));
    assert_ok(sb_config_set_int64(s->config, "BROKER_WAL_AUTOCHECKPOINT", NTS, 20));
    faulty_watch_power(s->path);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    for (int i = 0; i < MESSAGES; i++) {
        ids[i] = put(s->broker, "q", "a body that is not short, so that pages fill up soon enough");
        if (i % CLAIM_EVERY == 0) {
            sb_messages *messages;

            assert_ok(sb_claim(&messages, s->broker, "q", 1, 1, NULL));
            sb_messages_free(messages);
            claims++;
        }
        if (i % 8 == 0) {
            snprintf(directory, sizeof directory, "%s/cut%d", s->directory, i);
            assert_int_equal(mkdir(directory, 0700), 0);
            faulty_cut_power(directory, (unsigned)i);
            snprintf(claimed, sizeof claimed, "%d\n", claims);
            check_after_cut(s, directory, ids, i + 1, claimed);
        }
    }
    sb_close(s->broker);
    s->broker = NULL;
    faulty_forget_power();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill__acknowledged_work_is_done_once, scratch_new,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_kill__first_opening_can_be_cut_short, scratch_new,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_power_cut__acknowledged_messages_survive, scratch_new,
                                        scratch_free),
    };

    if (faulty_vfs_register()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
