/* Switches with a callback: who is asked, when, and that the answer ends one call only. */
#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "retry.h"
#include "setup_lock.h"
#include "turn.h"

#define NTS ((size_t)SB_NTS)

enum { NS_PER_MS = 1000000, SOON_MS = 1000 };

typedef struct poll {
    sb_cancel *cancel;
    sb_options options;
    atomic_int count;
    int end_at; /* the question that ends the call; 0: none does */
    const char *message;
    void (*act)(void *);
    void *act_on;
    pthread_t thread;
} poll;

static int answer(void *payload)
{
    poll *p = payload;
    int count = atomic_fetch_add(&p->count, 1) + 1;

    p->thread = pthread_self();
    if (p->act) {
        p->act(p->act_on);
    }
    if (count != p->end_at) {
        return 0;
    }
    if (p->message) {
        sb_error_set(SB_EUSER, p->message, NTS, -1);
    }
    return 1;
}

static void poll_init(poll *p, int end_at)
{
    memset(p, 0, sizeof *p);
    p->end_at = end_at;
    assert_ok(sb_cancel_new(&p->cancel));
    sb_cancel_on_poll(p->cancel, answer, p);
    assert_ok(sb_options_init(&p->options, SB_OPTIONS_VERSION));
    p->options.cancel = p->cancel;
}

/* Another program's write lock on the database. */
static sqlite3 *lock_database(const scratch *s)
{
    sqlite3 *foreign;

    assert_int_equal(sqlite3_open(s->path, &foreign), SQLITE_OK);
    assert_int_equal(sqlite3_exec(foreign, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return foreign;
}

static int64_t now_ms(void)
{
    return sb__clock_monotonic_ns() / NS_PER_MS;
}

static void test_poll__ends_a_wait_for_a_lock(void **state)
{
    scratch *s = *state;
    sqlite3 *foreign = lock_database(s);
    int64_t begin = now_ms();
    poll p;

    poll_init(&p, 3);
    assert_status(SB_CANCELLED, sb_write(NULL, s->broker, "q", 1, "x", 1, &p.options));
    assert_string_equal(sb_error_message(NULL), "cancelled");
    assert_true(now_ms() - begin < SOON_MS);
    assert_int_equal(p.count, 3);
    assert_true(pthread_equal(p.thread, pthread_self()));
    assert_int_equal(sb_cancel_is_set(p.cancel), 0);
    sqlite3_close(foreign);
    assert_ok(sb_write(NULL, s->broker, "q", 1, "x", 1, &p.options));
    assert_int_equal(p.count, 3);
    sb_cancel_free(p.cancel);
}

static void test_poll__its_message_is_the_calls(void **state)
{
    scratch *s = *state;
    sqlite3 *foreign = lock_database(s);
    poll p;

    poll_init(&p, 1);
    p.message = "the user wants it";
    assert_status(SB_CANCELLED, sb_write(NULL, s->broker, "q", 1, "x", 1, &p.options));
    assert_string_equal(sb_error_message(NULL), "the user wants it");
    assert_int_equal(sb_error_status(NULL), SB_CANCELLED);
    sqlite3_close(foreign);
    sb_cancel_free(p.cancel);
}

static void test_poll__asks_at_most_every_10_ms_until_the_limit(void **state)
{
    scratch *s = *state;
    sqlite3 *foreign = lock_database(s);
    poll p;

    poll_init(&p, 0);
    p.options.timeout_ms = 200;
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "x", 1, &p.options));
    assert_message("database is locked");
    assert_in_range(p.count, 2, 21);
    sqlite3_close(foreign);
    sb_cancel_free(p.cancel);
}

/* Also where every few locks are refused: a change of the journal's mode waits for none. */
static void exec_at_last(sqlite3 *db, const char *sql)
{
    int code;

    do {
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    } while (code == SQLITE_BUSY);
    assert_int_equal(code, SQLITE_OK);
}

static void test_poll__ends_an_opening_that_waits(void **state)
{
    scratch *s = *state;
    sb_broker *second = NULL;
    sqlite3 *foreign;
    poll p;

    sb_close(s->broker);
    s->broker = NULL;
    assert_int_equal(sqlite3_open(s->path, &foreign), SQLITE_OK);
    exec_at_last(foreign, "PRAGMA journal_mode = DELETE");
    exec_at_last(foreign, "BEGIN EXCLUSIVE");
    poll_init(&p, 1);
    assert_status(SB_CANCELLED,
                  sb_open_path(&second, s->path, NTS, s->config, &p.options));
    assert_int_equal(p.count, 1);
    sqlite3_close(foreign);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, &p.options));
    sb_cancel_free(p.cancel);
}

static void test_poll__ends_a_wait_for_the_setup_lock(void **state)
{
    scratch *s = *state;
    char path[160];
    sb__file_lock lock;
    poll p;
    int fd;

    snprintf(path, sizeof path, "%s.lock", s->path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    poll_init(&p, 2);
    assert_status(SB_CANCELLED, sb__setup_lock_take(&lock, s->path, &p.options));
    assert_int_equal(p.count, 2);
    close(fd);
    sb_cancel_free(p.cancel);
}

static void clear_error(void *unused)
{
    (void)unused;
    sb_error_set(SB_EUSER, "of the callback's own doing", NTS, -1);
}

static void test_poll__ends_a_pause_and_leaves_the_error_of_others_alone(void **state)
{
    sb__retry retry;
    poll p;

    (void)state;
    poll_init(&p, 0);
    p.act = clear_error;
    sb__retry_init(&retry, &p.options);
    sb__fail(SB_EOPERATIONAL, "database is locked");
    while (p.count < 2) {
        assert_ok(sb__retry_wait(&retry, SB_EOPERATIONAL, -1));
        assert_message("database is locked");
    }
    p.end_at = p.count + 1;
    assert_status(SB_CANCELLED, sb__sleep_ns((int64_t)SOON_MS * NS_PER_MS, p.cancel));
    sb_cancel_free(p.cancel);
}

typedef struct waiter {
    sb__turn *turn;
    const sb_cancel *cancel;
    sb_status status;
} waiter;

static void *take_and_give(void *argument)
{
    waiter *w = argument;

    w->status = sb__turn_take(w->turn, -1, w->cancel);
    if (!w->status) {
        sb__turn_give(w->turn);
    }
    return NULL;
}

static void test_turn__a_poll_ends_one_wait_and_no_other(void **state)
{
    sb__turn turn;
    waiter polled = {&turn, NULL, SB_OK}, other = {&turn, NULL, SB_OK};
    pthread_t threads[2];
    poll p;

    (void)state;
    poll_init(&p, 1);
    polled.cancel = p.cancel;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&threads[0], NULL, take_and_give, &other), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, take_and_give, &polled), 0);
    pthread_join(threads[1], NULL);
    assert_int_equal(polled.status, SB_CANCELLED);
    sb__turn_give(&turn);
    pthread_join(threads[0], NULL);
    assert_int_equal(other.status, SB_OK);
    sb__turn_dispose(&turn);
    sb_cancel_free(p.cancel);
}

/* In the callback: hands the turn to the thread that is asked. */
static void give_turn(void *turn)
{
    sb__turn_give(turn);
}

static void test_turn__that_comes_while_the_poll_ends_the_wait_is_passed_on(void **state)
{
    sb__turn turn;
    waiter w = {&turn, NULL, SB_OK};
    pthread_t thread;
    poll p;

    (void)state;
    poll_init(&p, 1);
    p.act = give_turn;
    p.act_on = &turn;
    w.cancel = p.cancel;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&thread, NULL, take_and_give, &w), 0);
    pthread_join(thread, NULL);
    assert_int_equal(w.status, SB_CANCELLED);
    assert_ok(sb__turn_take(&turn, 0, NULL));
    sb__turn_give(&turn);
    sb__turn_dispose(&turn);
    sb_cancel_free(p.cancel);
}

static sb_status of_inner;

static void take_again(void *turn)
{
    of_inner = sb__turn_take(turn, -1, NULL);
}

static void test_turn__asked_for_by_the_callback_itself_is_refused(void **state)
{
    sb__turn turn;
    waiter w = {&turn, NULL, SB_OK};
    pthread_t thread;
    poll p;

    (void)state;
    poll_init(&p, 1);
    p.act = take_again;
    p.act_on = &turn;
    w.cancel = p.cancel;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&thread, NULL, take_and_give, &w), 0);
    pthread_join(thread, NULL);
    assert_int_equal(of_inner, SB_EBUSY_OWNER);
    assert_int_equal(w.status, SB_CANCELLED);
    sb__turn_give(&turn);
    sb__turn_dispose(&turn);
    sb_cancel_free(p.cancel);
}

static void wait_until_due(const sb_cancel *cancel)
{
    struct timespec pause = {0, 1000000};

    while (!sb__cancel_poll_is_due(cancel)) {
        nanosleep(&pause, NULL);
    }
}

static void test_fork_soon__nobody_is_asked_until_the_fork(void **state)
{
    poll p;
    pid_t pid;
    int result;

    (void)state; /* an open broker */
    poll_init(&p, 1);
    wait_until_due(p.cancel);
    sb_fork_soon();
    assert_ok(sb__cancel_check_or_ask(p.cancel));
    assert_int_equal(p.count, 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        _exit(sb__cancel_check_or_ask(p.cancel) == SB_CANCELLED ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &result, 0), pid);
    assert_int_equal(result, 0);
    assert_status(SB_CANCELLED, sb__cancel_check_or_ask(p.cancel));
    sb_cancel_free(p.cancel);
}

static atomic_int callback_began, callback_ended;

static void take_time(void *payload)
{
    struct timespec pause = {0, 20000000};

    (void)payload;
    atomic_store(&callback_began, 1);
    nanosleep(&pause, NULL);
    atomic_store(&callback_ended, 1);
}

static void *ask_slowly(void *payload)
{
    (void)sb__cancel_check_or_ask(payload);
    return NULL;
}

static void test_fork_soon__waits_for_those_who_are_being_asked(void **state)
{
    poll p;
    pthread_t thread;

    (void)state;
    poll_init(&p, 0);
    p.act = take_time;
    assert_int_equal(pthread_create(&thread, NULL, ask_slowly, p.cancel), 0);
    while (!atomic_load(&callback_began)) {
    }
    sb_fork_soon();
    assert_int_equal(callback_ended, 1);
    sb__cancel_ask_again(0);
    pthread_join(thread, NULL);
    sb_cancel_free(p.cancel);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_poll__ends_a_wait_for_a_lock),
        SCRATCH_TEST(test_poll__its_message_is_the_calls),
        SCRATCH_TEST(test_poll__asks_at_most_every_10_ms_until_the_limit),
        SCRATCH_TEST(test_poll__ends_an_opening_that_waits),
        SCRATCH_TEST(test_poll__ends_a_wait_for_the_setup_lock),
        cmocka_unit_test(test_poll__ends_a_pause_and_leaves_the_error_of_others_alone),
        cmocka_unit_test(test_turn__a_poll_ends_one_wait_and_no_other),
        cmocka_unit_test(test_turn__that_comes_while_the_poll_ends_the_wait_is_passed_on),
        cmocka_unit_test(test_turn__asked_for_by_the_callback_itself_is_refused),
        SCRATCH_TEST(test_fork_soon__nobody_is_asked_until_the_fork),
        SCRATCH_TEST(test_fork_soon__waits_for_those_who_are_being_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
