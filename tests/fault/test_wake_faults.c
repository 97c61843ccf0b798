/*
 * Waiters when something is in their way: the doorbell or the database missing, replaced or closed
 * to them, no descriptors left, forks, stopped processes, and crowds of them. Messages arrive, late
 * at worst, and of having to poll the user is told once.
 */
#include "core/foreign.h"
#include "core/waiting.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
    SAFETY_NET_MS = 1000 + SOON_MS,
    NOBODY = 65534,
    CROWD = 1000,
    PROCESSES = 50,
    MOST_INSTANCES = 2000,
    SMALL_STACK = 64 * 1024
};

static char *beside(const scratch *s, const char *suffix)
{
    static char path[200];

    snprintf(path, sizeof path, "%s%s", s->path, suffix);
    return path;
}

/* The waiter's thread sleeps, a message is written, and it is found within the time. */
static void assert_found_within(sb_broker *broker, sb_waiter *waiter, int64_t ms)
{
    sleeper thread;
    int64_t begin;

    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    put(broker, "q", "x");
    assert_int_equal(sleeper_end(&thread), SB_OK);
    assert_in_range((thread.woke_ns - begin) / NS_IN_MS, 0, ms);
    take(broker, "q");
    settle(waiter);
}

/* ---- the doorbell's file ---- */

static void test_bell__missing_is_made(void **state)
{
    scratch *s = *state;
    struct stat info;
    sb_waiter *waiter;

    assert_int_equal(unlink(beside(s, ".lock")), 0);
    waiter = waiter_for(s->broker, "q", 0);
    assert_int_equal(stat(beside(s, ".lock"), &info), 0);
    assert_int_equal(info.st_size, 1);
    assert_found_within(s->broker, waiter, SOON_MS);
    sb_waiter_close(waiter);
}

static void test_bell__deleted_under_a_sleeper_is_made_again(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sleeper thread;
    int64_t begin;
    int bell;

    sleeper_start(&thread, waiter, NULL);
    assert_int_equal(unlink(beside(s, ".lock")), 0);
    begin = waiting_now_ns();
    while (access(beside(s, ".lock"), F_OK)) {
        assert_true(ms_since(begin) < SOON_MS);
        sched_yield();
    }
    put(s->broker, "q", "x");
    assert_woken(&thread, begin, SB_OK);
    take(s->broker, "q");
    settle(waiter);
    bell = bell_listen(s);
    /* A writer looks at the path ten times a second: from then on it rings the new one. */
    begin = waiting_now_ns();
    while (!bell_rang(bell)) {
        assert_true(ms_since(begin) < SOON_MS);
        put(s->broker, "q", "x");
    }
    close(bell);
    sb_waiter_close(waiter);
}

static void test_bell__replaced_under_a_sleeper_is_heard_again(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sleeper thread;
    char other[200];
    FILE *file;

    snprintf(other, sizeof other, "%s/other.lock", s->directory);
    for (int i = 0; i < 3; i++) {
        sleeper_start(&thread, waiter, NULL);
        file = fopen(other, "w");
        assert_non_null(file);
        assert_int_equal(fputc(0, file), 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(rename(other, beside(s, ".lock")), 0);
        put(s->broker, "q", "x");
        assert_int_equal(sleeper_end(&thread), SB_OK);
        take(s->broker, "q");
        settle(waiter);
        assert_found_within(s->broker, waiter, SOON_MS);
    }
    sb_waiter_close(waiter);
}

/* Everybody may use the database, but F.lock as `mode` says. */
static void open_to_all(const scratch *s, mode_t mode)
{
    assert_int_equal(chmod(s->directory, 0777), 0);
    assert_int_equal(chmod(s->path, 0666), 0);
    assert_int_equal(chmod(beside(s, "-wal"), 0666), 0);
    assert_int_equal(chmod(beside(s, "-shm"), 0666), 0);
    assert_int_equal(chmod(beside(s, ".lock"), mode), 0);
}

/* Whom permissions of files bind. */
static void become_nobody(void)
{
    if (!getuid() && setuid(NOBODY)) {
        _exit(9);
    }
}

static void await_exit(pid_t child)
{
    int result;

    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

/* A child that opens its own broker and answers with an exit status. */
static pid_t start(scratch *s, void (*life)(sb_broker *))
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        sb_broker *broker = NULL;

        become_nobody();
        if (sb_open_path(&broker, s->path, NTS, s->config, NULL)) {
            fprintf(stderr, "%s\n", sb_error_message(NULL));
            _exit(8);
        }
        life(broker);
        sb_close(broker);
        _exit(0);
    }
    return child;
}

static void life_of_writer(sb_broker *broker)
{
    if (sb_write(NULL, broker, "q", 1, "x", 1, NULL)) {
        fprintf(stderr, "%s\n", sb_error_message(NULL));
        _exit(7);
    }
}

static void test_bell__closed_to_the_writer_does_not_fail_its_write(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    static const mode_t modes[] = {0444, 0000};

    for (int i = 0; i < 2; i++) {
        sleeper thread;
        int64_t ended;
        pid_t writer;

        open_to_all(s, modes[i]);
        sleeper_start(&thread, waiter, NULL);
        writer = start(s, life_of_writer);
        await_exit(writer);
        ended = waiting_now_ns();
        assert_int_equal(sleeper_end(&thread), SB_OK);
        assert_true(thread.woke_ns < ended + (int64_t)SOON_MS * NS_IN_MS);
        take(s->broker, "q");
        settle(waiter);
    }
    sb_waiter_close(waiter);
}

static void life_of_waiter(sb_broker *broker)
{
    sb_waiter *waiter = waiter_for(broker, "q", 0);

    for (int i = 0; i < 3; i++) {
        sb_messages *messages = NULL;

        if (wait_ms(waiter, HANGS_AFTER_MS) != SB_OK ||
            sb_claim(&messages, broker, "q", 1, 1, NULL) < 0) {
            _exit(6);
        }
        i -= !messages;
        sb_messages_free(messages);
    }
    sb_waiter_close(waiter);
}

/* Reading it is enough; and where not even that is allowed the WAL has to do. */
static void test_bell__closed_to_the_waiter(void **state)
{
    scratch *s = *state;
    static const mode_t modes[] = {0444, 0000};

    for (int i = 0; i < 2; i++) {
        int64_t begin = waiting_now_ns();
        pid_t waiting;

        open_to_all(s, modes[i]);
        waiting = start(s, life_of_waiter);
        for (int m = 0; m < 3; m++) {
            put(s->broker, "q", "x");
            for (int64_t left = 1; left > 0;) {
                assert_ok(sb_queue_stats(&left, NULL, s->broker, "q", 1, NULL));
                sched_yield();
            }
        }
        await_exit(waiting);
        assert_in_range(ms_since(begin), 0, 3 * SOON_MS);
    }
}

/* ---- the database ---- */

static void put_into(const scratch *s, const char *path, const char *queue)
{
    sb_broker *broker = NULL;

    assert_ok(sb_open_path(&broker, path, NTS, s->config, NULL));
    put(broker, queue, "x");
    sb_close(broker);
}

static void remove_database(const scratch *s)
{
    unlink(s->path);
    unlink(beside(s, "-wal"));
    unlink(beside(s, "-shm"));
}

static void test_database__replaced_under_a_sleeper_is_noticed(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    char other[200];
    sleeper thread;
    int64_t begin;

    snprintf(other, sizeof other, "%s/other.db", s->directory);
    put_into(s, other, "q");
    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    unlink(beside(s, "-wal"));
    unlink(beside(s, "-shm"));
    assert_int_equal(rename(other, s->path), 0);
    assert_int_equal(sleeper_end(&thread), SB_OK);
    assert_in_range((thread.woke_ns - begin) / NS_IN_MS, 0, SAFETY_NET_MS);
    /* And from then on it hears of the new one. */
    settle(waiter);
    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    put_into(s, s->path, "q");
    assert_woken(&thread, begin, SB_OK);
    sb_waiter_close(waiter);
}

static double cpu_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void test_database__deleted_under_a_sleeper_is_waited_for(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    double used = cpu_seconds();
    int64_t begin = waiting_now_ns();
    sleeper thread;
    int reports = 0;

    remove_database(s);
    while (ms_since(begin) < SAFETY_NET_MS) { /* until it has been noticed, if it is reported */
        reports += wait_ms(waiter, 300) == SB_OK;
    }
    assert_in_range(reports, 0, 2);
    assert_true(cpu_seconds() - used < 0.3);
    assert_int_not_equal(access(s->path, F_OK), 0);
    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    put_into(s, s->path, "q");
    assert_int_equal(sleeper_end(&thread), SB_OK);
    assert_in_range((thread.woke_ns - begin) / NS_IN_MS, 0, SAFETY_NET_MS);
    sb_waiter_close(waiter);
}

/* ---- no descriptors left ---- */

static atomic_int warnings;

static void on_warning(void *payload, sb_warning kind, const char *text)
{
    (void)payload;
    if (kind == SB_WARN_POLLING && *text) {
        atomic_fetch_add(&warnings, 1);
    }
}

static int open_with_ear(void **state)
{
    scratch *s;

    if (scratch_new(state)) {
        return -1;
    }
    s = *state;
    atomic_store(&warnings, 0);
    return sb_config_on_warning(s->config, on_warning, NULL, NULL) ||
           sb_open_path(&s->broker, s->path, NTS, s->config, NULL);
}

/* The thread waits, or is about to; its sleep cannot be looked at without a descriptor. */
static void assert_found_somehow(sb_broker *broker, sb_waiter *waiter)
{
    sleeper thread;
    int64_t begin;

    sleeper_begin(&thread, waiter, NULL);
    while (!atomic_load(&thread.tid)) {
        sched_yield();
    }
    begin = waiting_now_ns();
    put(broker, "q", "x");
    assert_woken(&thread, begin, SB_OK);
    take(broker, "q");
    settle(waiter);
}

/* From none to as many as are needed: each place where one is missing is visited. */
static void test_descriptors__whichever_is_missing_messages_arrive(void **state)
{
    enum { MOST = 16 };
    scratch *s = *state;
    struct rlimit limit, lower;
    int with_events = 0, next;

    put(s->broker, "q", "so that all files are open");
    take(s->broker, "q");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = dup(0);
    close(next);
    lower = limit;
    for (int left = 0; left < MOST; left++) {
        sb_waiter *waiter = NULL;
        int has_events;

        atomic_store(&warnings, 0);
        lower.rlim_cur = (rlim_t)(next + left);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
        assert_ok(sb_waiter_open(&waiter, s->broker));
        assert_ok(sb_waiter_add(waiter, "q", 1, NULL));
        for (int i = 0; i < 3; i++) {
            assert_found_somehow(s->broker, waiter);
        }
        has_events = sb_waiter_has_events(waiter);
        if (!has_events) {
            assert_int_equal(sb_waiter_fd(waiter), -1);
        }
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(atomic_load(&warnings), !has_events);
        sb_waiter_close(waiter);
        with_events += has_events;
    }
    assert_in_range(with_events, 1, MOST - 1);
}

static void test_instances_of_inotify__exhausted(void **state)
{
    static int instances[MOST_INSTANCES];
    scratch *s = *state;
    sb_waiter *waiter = NULL, *second;
    int count = 0;

    while (count < MOST_INSTANCES && (instances[count] = inotify_init1(IN_CLOEXEC)) >= 0) {
        count++;
    }
    if (count == MOST_INSTANCES) {
        print_message("no limit that could be reached\n");
    } else {
        waiter = waiter_for(s->broker, "q", 0);
        assert_int_equal(sb_waiter_has_events(waiter), 0);
        assert_int_equal(sb_waiter_fd(waiter), -1);
        assert_found_somehow(s->broker, waiter);
        second = waiter_for(s->broker, "q", SB_TAKING);
        assert_found_somehow(s->broker, second);
        sb_waiter_close(second);
        assert_int_equal(atomic_load(&warnings), 1);
    }
    while (count > 0) {
        close(instances[--count]);
    }
    sb_waiter_close(waiter);
}

/* ---- forks and signals ---- */

/* Whether anybody holds a byte of the doorbell. */
static int anybody_waits(const scratch *s)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1};
    int fd = open(beside(s, ".lock"), O_RDWR | O_CLOEXEC);

    assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
    close(fd);
    return lock.l_type != F_UNLCK;
}

static void test_fork__the_child_keeps_nothing_of_the_parents(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int pipes[2];
    pid_t child;
    char byte;

    sb_waiter_fd(waiter);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (!child) {
        close(pipes[1]);
        _exit(read(pipes[0], &byte, 1) != 0);
    }
    close(pipes[0]);
    assert_found_within(s->broker, waiter, SOON_MS);
    assert_true(anybody_waits(s));
    sb_waiter_close(waiter);
    assert_false(anybody_waits(s));
    close(pipes[1]);
    await_exit(child);
}

static int child_waits(sb_waiter *inherited, sb_broker *broker, int ready)
{
    sb_waiter *own = NULL;

    settle(inherited);
    if (sb_waiter_open(&own, broker) || sb_waiter_add(own, "q", 1, NULL) ||
        write(ready, "", 1) != 1) {
        return 2;
    }
    if (wait_ms(inherited, HANGS_AFTER_MS) != SB_OK || wait_ms(own, HANGS_AFTER_MS) != SB_OK) {
        return 3;
    }
    if (!readable(sb_waiter_fd(own), 0) && wait_ms(own, 0) != SB_EMPTY) {
        return 4;
    }
    sb_waiter_close(inherited);
    sb_waiter_close(own);
    return 0;
}

static void test_fork__under_sleepers_both_hear_and_the_childs_end_disturbs_nobody(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[3];
    sleeper threads[2];

    for (int round = 0; round < 3; round++) {
        int64_t begin;
        int pipes[2];
        pid_t child;
        char byte;

        for (int i = 0; i < 3; i++) {
            waiters[i] = waiter_for(s->broker, "q", 0);
        }
        sleeper_start(&threads[0], waiters[0], NULL);
        sleeper_start(&threads[1], waiters[1], NULL);
        assert_int_equal(pipe(pipes), 0);
        child = fork();
        assert_true(child >= 0);
        if (!child) {
            _exit(child_waits(waiters[2], s->broker, pipes[1]));
        }
        assert_int_equal(read(pipes[0], &byte, 1), 1);
        begin = waiting_now_ns();
        put(s->broker, "q", "x");
        await_exit(child);
        assert_woken(&threads[0], begin, SB_OK);
        assert_woken(&threads[1], begin, SB_OK);
        take(s->broker, "q");
        settle(waiters[0]);
        assert_found_within(s->broker, waiters[0], SOON_MS);
        for (int i = 0; i < 3; i++) {
            sb_waiter_close(waiters[i]);
        }
        close(pipes[0]);
        close(pipes[1]);
    }
}

static void test_stopped_process__hears_when_it_goes_on(void **state)
{
    scratch *s = *state;
    pid_t waiting;

    open_to_all(s, 0666);
    waiting = start(s, life_of_waiter);
    for (int m = 0; m < 3; m++) {
        int64_t begin = waiting_now_ns();
        int result;

        while (!sleeps_in_poll(waiting, waiting)) {
            assert_true(ms_since(begin) < HANGS_AFTER_MS);
            sched_yield();
        }
        kill(waiting, SIGSTOP);
        assert_int_equal(waitpid(waiting, &result, WUNTRACED), waiting);
        assert_true(WIFSTOPPED(result));
        put(s->broker, "q", "x");
        begin = waiting_now_ns();
        kill(waiting, SIGCONT);
        for (int64_t left = 1; left > 0;) {
            assert_ok(sb_queue_stats(&left, NULL, s->broker, "q", 1, NULL));
            assert_true(ms_since(begin) < SAFETY_NET_MS);
            sched_yield();
        }
    }
    await_exit(waiting);
}

/* ---- crowds ---- */

static int crowd_size(int descriptors_each)
{
    struct rlimit limit;
    int size = CROWD;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < (rlim_t)(size * descriptors_each + 100)) {
        size = (int)(limit.rlim_cur - 100) / descriptors_each;
    }
    return size;
}

static void crowd_name(char *out, size_t size, int i)
{
    snprintf(out, size, "queue%d", i);
}

static void test_crowd__of_threads(void **state)
{
    static sleeper threads[CROWD];
    static sb_waiter *waiters[CROWD];
    scratch *s = *state;
    int size = crowd_size(1);
    pthread_attr_t small;
    char name[32];
    int64_t begin;

    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, SMALL_STACK), 0);
    for (int i = 0; i < size; i++) {
        crowd_name(name, sizeof name, i);
        waiters[i] = waiter_for(s->broker, name, i % 2 ? SB_TAKING : 0);
        memset(&threads[i], 0, sizeof threads[i]);
        threads[i].waiter = waiters[i];
        threads[i].options = with_timeout(3 * HANGS_AFTER_MS);
        assert_int_equal(pthread_create(&threads[i].thread, &small, sleeper_run, &threads[i]), 0);
    }
    for (int i = 0; i < size; i++) {
        assert_int_equal(sleeper_sleeps(&threads[i]), 1);
    }
    begin = waiting_now_ns();
    for (int i = size - 1; i >= 0; i--) {
        crowd_name(name, sizeof name, i);
        put(s->broker, name, "x");
    }
    for (int i = 0; i < size; i++) {
        assert_int_equal(sleeper_end(&threads[i]), SB_OK);
    }
    print_message("%d threads, one message each: %d ms\n", size, (int)ms_since(begin));
    for (int i = 0; i < size; i++) {
        sb_waiter_close(waiters[i]);
    }
    pthread_attr_destroy(&small);
}

/* One message for each waiter from `first` on, and the loop until all have been found. */
static int ms_for_each(scratch *s, int set, sb_waiter **waiters, int first, int last)
{
    int64_t begin = waiting_now_ns();
    struct epoll_event events[64];
    char name[32];
    int found = 0;

    for (int i = first; i < last; i++) {
        crowd_name(name, sizeof name, i);
        put(s->broker, name, "x");
    }
    while (found < last - first) {
        int ready = epoll_wait(set, events, 64, HANGS_AFTER_MS);

        assert_true(ready > 0);
        for (int i = 0; i < ready; i++) {
            found += wait_ms(waiters[events[i].data.u32], 0) == SB_OK;
        }
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
    }
    return (int)ms_since(begin);
}

static void test_crowd__in_one_thread(void **state)
{
    static sb_waiter *waiters[CROWD];
    scratch *s = *state;
    int size = crowd_size(2), set = epoll_create1(EPOLL_CLOEXEC);
    char name[32];

    for (int i = 0; i < size; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        crowd_name(name, sizeof name, i);
        waiters[i] = waiter_for(s->broker, name, 0);
        assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, sb_waiter_fd(waiters[i]), &event), 0);
    }
    print_message("%d waiters in one loop, one message each: %d ms\n", size,
                  ms_for_each(s, set, waiters, 0, size));
    /* The first ones leave, which had more to do than the others. */
    for (int i = 0; i < size / 2; i++) {
        sb_waiter_close(waiters[i]);
    }
    ms_for_each(s, set, waiters, size / 2, size);
    for (int i = size / 2; i < size; i++) {
        sb_waiter_close(waiters[i]);
    }
    close(set);
}

typedef struct tally {
    atomic_int armed, woken, failed;
} tally;

static void life_in_crowd(const scratch *s, tally *t, int number)
{
    sb_broker *broker = NULL;
    sb_waiter *waiter = NULL;
    char name[32];

    crowd_name(name, sizeof name, number);
    if (sb_open_path(&broker, s->path, NTS, s->config, NULL) || sb_waiter_open(&waiter, broker) ||
        sb_waiter_add(waiter, name, NTS, NULL) || sb_waiter_add(waiter, "all", NTS, NULL)) {
        atomic_fetch_add(&t->failed, 1);
        _exit(1);
    }
    atomic_fetch_add(&t->armed, 1);
    for (int i = 0; i < 2; i++) {
        if (wait_ms(waiter, 3 * HANGS_AFTER_MS) == SB_OK) {
            atomic_fetch_add(&t->woken, 1);
        }
    }
    sb_waiter_close(waiter);
    sb_close(broker);
    _exit(0);
}

static void await_number(const atomic_int *number, int expected, const tally *t)
{
    int64_t begin = waiting_now_ns();

    while (atomic_load(number) < expected) {
        assert_true(ms_since(begin) < 2 * HANGS_AFTER_MS);
        assert_int_equal(atomic_load(&t->failed), 0);
        sched_yield();
    }
}

static void test_crowd__of_processes(void **state)
{
    scratch *s = *state;
    tally *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PROCESSES];
    int64_t begin;
    char name[32];

    assert_true(t != MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (!children[i]) {
            life_in_crowd(s, t, i);
        }
    }
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    await_number(&t->armed, PROCESSES, t);
    begin = waiting_now_ns();
    for (int i = 0; i < PROCESSES; i++) {
        crowd_name(name, sizeof name, i);
        put(s->broker, name, "x");
    }
    await_number(&t->woken, PROCESSES, t);
    print_message("%d processes, one message each: %d ms\n", PROCESSES, (int)ms_since(begin));
    begin = waiting_now_ns();
    put(s->broker, "all", "x");
    await_number(&t->woken, 2 * PROCESSES, t);
    print_message("%d processes, one message for all: %d ms\n", PROCESSES, (int)ms_since(begin));
    for (int i = 0; i < PROCESSES; i++) {
        await_exit(children[i]);
    }
    munmap(t, sizeof *t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_bell__missing_is_made),
        TEST(test_bell__deleted_under_a_sleeper_is_made_again),
        TEST(test_bell__replaced_under_a_sleeper_is_heard_again),
        TEST(test_bell__closed_to_the_writer_does_not_fail_its_write),
        TEST(test_bell__closed_to_the_waiter),
        TEST(test_database__replaced_under_a_sleeper_is_noticed),
        TEST(test_database__deleted_under_a_sleeper_is_waited_for),
        cmocka_unit_test_setup_teardown(test_descriptors__whichever_is_missing_messages_arrive,
                                        open_with_ear, scratch_free),
        cmocka_unit_test_setup_teardown(test_instances_of_inotify__exhausted, open_with_ear,
                                        scratch_free),
        TEST(test_fork__the_child_keeps_nothing_of_the_parents),
        TEST(test_fork__under_sleepers_both_hear_and_the_childs_end_disturbs_nobody),
        TEST(test_stopped_process__hears_when_it_goes_on),
        TEST(test_crowd__of_threads),
        TEST(test_crowd__in_one_thread),
        cmocka_unit_test_setup_teardown(test_crowd__of_processes, scratch_new, scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
