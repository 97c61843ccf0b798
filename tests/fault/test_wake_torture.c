/*
 * Thousands of sleeps, each ended by one message of another process that is committed at about the
 * moment at which the waiter falls asleep, a little earlier or later. A wake-up that takes so long
 * that only the safety net can have brought it counts as lost. F-wal, by which a message whose bell
 * was not heard is found a few milliseconds later, can be taken away: all hangs on the bell then.
 * And writers that die between their commit and the bell.
 */
#include "core/foreign.h"
#include "core/waiting.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { ROUNDS = 10000, FRESH_ROUNDS = 100, LOST_MS = 500, WRITERS = 2, TAKERS = 3, EACH = 500 };

/* What the processes of a test have in common. */
typedef struct shared {
    atomic_long begun;     /* waits of the waiter, just before they begin */
    atomic_long committed; /* messages of the writer */
    _Atomic int64_t committed_ns;
    atomic_int stop;
    atomic_int waiter; /* its thread, when the writer is to make sure that it sleeps */
    atomic_long taken, late;
} shared;

static shared *common;
static int wal_is_silent;  /* nobody hears F-wal */
static int bell_is_silent; /* writers ring in vain */
static int bell_is_deadly; /* writers are killed when they ring */

int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t at);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at);

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    size_t len = strlen(path);
    int is_wal = len > 4 && !strcmp(path + len - 4, "-wal");

    return __real_inotify_add_watch(fd, is_wal && wal_is_silent ? "/dev/null" : path, mask);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    if (bell_is_deadly) {
        kill(getpid(), SIGKILL);
    }
    return bell_is_silent ? (ssize_t)size : __real_pwrite64(fd, bytes, size, at);
}

/* Often nothing, sometimes some 10 us. */
static void dawdle(unsigned *seed)
{
    volatile int spins = rand_r(seed) % 3 ? rand_r(seed) & ((1 << rand_r(seed) % 15) - 1) : 0;

    while (spins > 0) {
        spins--;
    }
}

static void await_more(atomic_long *number, long than)
{
    for (int spins = 0; atomic_load(number) <= than && !atomic_load(&common->stop); spins++) {
        if (spins > 200) {
            sched_yield();
        }
    }
}

static sb_broker *open_again(const scratch *s)
{
    sb_broker *broker;

    if (sb_open_path(&broker, s->path, NTS, s->config, NULL)) {
        fprintf(stderr, "%s\n", sb_error_message(NULL));
        _exit(2);
    }
    return broker;
}

/* A child: for each wait one message. */
static void write_for_each_wait(const scratch *s)
{
    sb_broker *broker = open_again(s);
    pid_t parent = getppid();
    unsigned seed = 5;

    for (long round = 0;; round++) {
        int thread;

        await_more(&common->begun, round);
        if (atomic_load(&common->stop)) {
            break;
        }
        thread = atomic_load(&common->waiter);
        while (thread && !sleeps_in_poll(parent, thread)) {
            sched_yield();
        }
        dawdle(&seed);
        if (sb_write(NULL, broker, "q", 1, "x", 1, NULL)) {
            fprintf(stderr, "%s\n", sb_error_message(NULL));
            _exit(3);
        }
        atomic_store(&common->committed_ns, waiting_now_ns());
        atomic_store(&common->committed, round + 1);
    }
    sb_close(broker);
    _exit(0);
}

static pid_t start(const scratch *s, void (*life)(const scratch *))
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        life(s);
        _exit(0);
    }
    return child;
}

static void await_exit(pid_t child)
{
    int result;

    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

/* Whether there was a message; a wait may have been ended in vain. */
static int took_one(sb_broker *broker)
{
    sb_messages *messages = NULL;
    sb_status status = sb_claim(&messages, broker, "q", 1, 1, NULL);

    sb_messages_free(messages);
    assert_true(status >= 0);
    return status == SB_OK;
}

/* One wait; whether it ended in time. */
static int wait_once(sb_broker *broker, sb_waiter *waiter, long round, unsigned *seed)
{
    int64_t begin, woke, since;

    atomic_store(&common->waiter, round % 16 == 15 ? thread_id() : 0);
    atomic_store(&common->begun, round + 1);
    dawdle(seed);
    begin = waiting_now_ns();
    do {
        assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
        woke = waiting_now_ns();
    } while (!took_one(broker));
    await_more(&common->committed, round);
    since = atomic_load(&common->committed_ns);
    since = since > begin ? since : begin;
    return woke - since < (int64_t)LOST_MS * NS_IN_MS;
}

/* Many rounds with one waiter; how many wake-ups were lost. */
static long lost_of(scratch *s, long rounds)
{
    pid_t writer = start(s, write_for_each_wait);
    long lost = 0;
    unsigned seed = 3;
    sb_waiter *waiter;

    s->broker = open_again(s);
    waiter = waiter_for(s->broker, "q", SB_TAKING);
    for (long round = 0; round < rounds; round++) {
        lost += !wait_once(s->broker, waiter, round, &seed);
    }
    atomic_store(&common->stop, 1);
    await_exit(writer);
    sb_waiter_close(waiter);
    return lost;
}

static void test_bell_alone__loses_no_wake_up(void **state)
{
    wal_is_silent = 1;
    assert_int_equal(lost_of(*state, ROUNDS), 0);
}

static void test_bell_and_wal__lose_no_wake_up(void **state)
{
    assert_int_equal(lost_of(*state, ROUNDS / 4), 0);
}

/* What this test would say if the bell did not ring. */
static void test_silent_bell__is_noticed(void **state)
{
    wal_is_silent = bell_is_silent = 1;
    assert_in_range(lost_of(*state, 4), 1, 4);
}

/* The arming itself, of the process's first waiter, and of one more queue. */
static void test_arming__loses_no_wake_up(void **state)
{
    scratch *s = *state;
    pid_t writer = start(s, write_for_each_wait);
    long lost = 0;
    unsigned seed = 3;

    wal_is_silent = 1;
    s->broker = open_again(s);
    for (long round = 0; round < FRESH_ROUNDS; round++) {
        sb_waiter *waiter = NULL;

        assert_ok(sb_waiter_open(&waiter, s->broker));
        if (round % 2) {
            assert_ok(sb_waiter_add(waiter, "other", NTS, NULL));
        }
        atomic_store(&common->waiter, 0);
        atomic_store(&common->begun, round + 1); /* may be written before, while or after it is */
        dawdle(&seed);
        assert_ok(sb_waiter_add(waiter, "q", 1, NULL));
        lost += !wait_once(s->broker, waiter, round, &seed);
        sb_waiter_close(waiter);
    }
    atomic_store(&common->stop, 1);
    await_exit(writer);
    assert_int_equal(lost, 0);
}

/* ---- several of each ---- */

static void write_some(const scratch *s)
{
    sb_broker *broker = open_again(s);
    unsigned seed = (unsigned)getpid();

    for (int i = 0; i < EACH; i++) {
        char now[32];

        for (int n = rand_r(&seed) % 40; n > 0; n--) {
            dawdle(&seed);
        }
        snprintf(now, sizeof now, "%lld", (long long)waiting_now_ns());
        if (sb_write(NULL, broker, "q", 1, now, strlen(now), NULL)) {
            _exit(3);
        }
    }
    sb_close(broker);
    _exit(0);
}

static void note_taken(const sb_messages *messages)
{
    int64_t now = waiting_now_ns();

    for (size_t i = 0; i < sb_messages_count(messages); i++) {
        const char *body = sb_messages_body(NULL, messages, i);

        if (now - strtoll(body, NULL, 10) > (int64_t)LOST_MS * NS_IN_MS) {
            atomic_fetch_add(&common->late, 1);
        }
        atomic_fetch_add(&common->taken, 1);
    }
}

/* Takes until there is nothing, and waits; ends when all is taken. */
static void take_all(const scratch *s)
{
    sb_broker *broker = open_again(s);
    sb_waiter *waiter = waiter_for(broker, "q", SB_TAKING);

    if (sb_waiter_add(waiter, "stop", NTS, NULL)) {
        _exit(2);
    }
    while (atomic_load(&common->taken) < WRITERS * EACH) {
        sb_messages *messages = NULL;
        sb_status status = sb_claim(&messages, broker, "q", 1, 2, NULL);

        note_taken(messages);
        sb_messages_free(messages);
        if (status < 0 || (status == SB_EMPTY && wait_ms(waiter, HANGS_AFTER_MS) != SB_OK)) {
            fprintf(stderr, "%s\n", sb_error_message(NULL));
            _exit(3);
        }
        if (atomic_load(&common->taken) == WRITERS * EACH) {
            sb_write(NULL, broker, "stop", NTS, "x", 1, NULL);
        }
    }
    sb_waiter_close(waiter);
    sb_close(broker);
    _exit(0);
}

static void test_several_processes__lose_no_wake_up(void **state)
{
    pid_t children[TAKERS + WRITERS];

    wal_is_silent = 1;
    for (int i = 0; i < TAKERS + WRITERS; i++) {
        children[i] = start(*state, i < TAKERS ? take_all : write_some);
    }
    for (int i = 0; i < TAKERS + WRITERS; i++) {
        await_exit(children[i]);
    }
    assert_int_equal(atomic_load(&common->taken), WRITERS * EACH);
    assert_int_equal(atomic_load(&common->late), 0);
}

/* ---- writers that die on the way to the bell ---- */

static void write_and_die(const scratch *s)
{
    sb_broker *broker = open_again(s);

    bell_is_deadly = 1;
    while (!atomic_load(&common->stop)) {
        sched_yield();
    }
    atomic_store(&common->committed_ns, waiting_now_ns()); /* soon */
    sb_write(NULL, broker, "q", 1, "x", 1, NULL);
    _exit(4); /* the bell was not rung */
}

/* How long the message of a writer stays unknown that is killed as it reaches for the bell. */
static int64_t ms_until_found(scratch *s, sb_broker **broker)
{
    pid_t writer = start(s, write_and_die);
    sb_waiter *waiter;
    sleeper thread;
    int result;

    *broker = open_again(s);
    waiter = waiter_for(*broker, "q", 0);
    sleeper_start(&thread, waiter, NULL);
    atomic_store(&common->stop, 1);
    assert_int_equal(sleeper_end(&thread), SB_OK);
    assert_int_equal(waitpid(writer, &result, 0), writer);
    assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
    assert_true(took_one(*broker));
    sb_waiter_close(waiter);
    sb_close(*broker);
    *broker = NULL;
    atomic_store(&common->stop, 0);
    return (thread.woke_ns - atomic_load(&common->committed_ns)) / NS_IN_MS;
}

static void test_killed_writer__is_found_by_the_wal(void **state)
{
    scratch *s = *state;

    for (int i = 0; i < 5; i++) {
        assert_in_range(ms_until_found(s, &s->broker), 0, LOST_MS);
    }
}

static void test_killed_writer__is_found_by_the_safety_net(void **state)
{
    scratch *s = *state;
    int64_t longest = 0;

    wal_is_silent = 1;
    for (int i = 0; i < 3; i++) {
        int64_t ms = ms_until_found(s, &s->broker);

        longest = ms > longest ? ms : longest;
    }
    assert_in_range(longest, 100, 1000 + LOST_MS); /* not at once, or the test tests nothing */
}

static int set_up(void **state)
{
    memset(common, 0, sizeof *common);
    wal_is_silent = bell_is_silent = bell_is_deadly = 0;
    return scratch_new(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_bell_alone__loses_no_wake_up),
        TEST(test_bell_and_wal__lose_no_wake_up),
        TEST(test_silent_bell__is_noticed),
        TEST(test_arming__loses_no_wake_up),
        TEST(test_several_processes__lose_no_wake_up),
        TEST(test_killed_writer__is_found_by_the_wal),
        TEST(test_killed_writer__is_found_by_the_safety_net),
    };

    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (common == MAP_FAILED) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
