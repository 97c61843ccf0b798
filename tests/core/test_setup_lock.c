/* Locks on companion files: their exclusion between threads, processes and implementations. */
#include "files_testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "setup_lock.h"

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The lock as another implementation takes it. */
static int foreign_lock(scratch *s, const char *suffix)
{
    char path[160];
    int fd;

    snprintf(path, sizeof path, "%s%s", s->path, suffix);
    fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static int foreign_can_lock(scratch *s, const char *suffix)
{
    int fd = foreign_lock(s, suffix);
    int result = flock(fd, LOCK_EX | LOCK_NB);

    close(fd);
    return result == 0;
}

static void test_setup_lock__file_holds_one_nul_byte(void **state)
{
    scratch *s = *state;
    char path[160];
    sb__file_lock lock;
    size_t size;
    char *bytes;

    for (int i = 0; i < 2; i++) {
        assert_ok(sb__setup_lock_take(&lock, s->path, NULL));
        sb__file_lock_release(&lock);
    }
    snprintf(path, sizeof path, "%s.lock", s->path);
    bytes = read_file(&size, path);
    assert_int_equal(size, 1);
    assert_int_equal(bytes[0], 0);
    free(bytes);
}

static void test_setup_lock__excludes_other_implementations(void **state)
{
    scratch *s = *state;
    sb__file_lock lock;

    assert_ok(sb__setup_lock_take(&lock, s->path, NULL));
    assert_false(foreign_can_lock(s, ".lock"));
    sb__file_lock_release(&lock);
    assert_true(foreign_can_lock(s, ".lock"));
}

static void test_setup_lock__timeout_is_a_retryable_failure(void **state)
{
    scratch *s = *state;
    int fd = foreign_lock(s, ".lock");
    sb_options options;
    sb__file_lock lock;
    int64_t begin = now_ms();

    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 120;
    assert_status(SB_EOPERATIONAL, sb__setup_lock_take(&lock, s->path, &options));
    assert_message("Timeout waiting for setup lock");
    assert_int_equal(sb_error_retryable(NULL), 1);
    assert_in_range(now_ms() - begin, 100, 5000);
    close(fd);
    assert_ok(sb__setup_lock_take(&lock, s->path, &options));
    sb__file_lock_release(&lock);
}

static void test_setup_lock__waits_for_the_holder(void **state)
{
    scratch *s = *state;
    int ready[2];
    char byte;
    sb__file_lock lock;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        struct timespec pause = {0, 200000000};

        if (sb__setup_lock_take(&lock, s->path, NULL) || write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        nanosleep(&pause, NULL);
        _exit(0); /* dying releases it */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    assert_ok(sb__setup_lock_take(&lock, s->path, NULL));
    sb__file_lock_release(&lock);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_setup_lock__waiting_can_be_cancelled(void **state)
{
    scratch *s = *state;
    sb_options options;
    sb__file_lock held, lock;

    assert_ok(sb__setup_lock_take(&held, s->path, NULL));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    assert_ok(sb_cancel_new(&options.cancel));
    sb_cancel_set(options.cancel);
    assert_status(SB_CANCELLED, sb__setup_lock_take(&lock, s->path, &options));
    sb_cancel_free(options.cancel);
    sb__file_lock_release(&held);
}

struct contest {
    const char *path;
    int inside, most, rounds;
    pthread_mutex_t mutex;
};

static void *contend(void *payload)
{
    struct contest *contest = payload;

    for (int i = 0; i < 20; i++) {
        sb__file_lock lock;

        if (sb__setup_lock_take(&lock, contest->path, NULL)) {
            continue;
        }
        pthread_mutex_lock(&contest->mutex);
        contest->inside++;
        contest->rounds++;
        contest->most = contest->inside > contest->most ? contest->inside : contest->most;
        pthread_mutex_unlock(&contest->mutex);
        sched_yield();
        pthread_mutex_lock(&contest->mutex);
        contest->inside--;
        pthread_mutex_unlock(&contest->mutex);
        sb__file_lock_release(&lock);
    }
    return NULL;
}

static void test_setup_lock__threads_exclude_each_other(void **state)
{
    enum { THREADS = 4 };
    scratch *s = *state;
    struct contest contest = {s->path, 0, 0, 0, PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(contest.most, 1);
    assert_int_equal(contest.rounds, THREADS * 20);
}

static void test_setup_lock__child_neither_prolongs_nor_releases_it(void **state)
{
    scratch *s = *state;
    sb__file_lock lock;
    int told[2], done[2], result;
    char byte;
    pid_t child;

    assert_ok(sb__setup_lock_take(&lock, s->path, NULL));
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(done), 0);
    child = fork();
    if (!child) {
        sb__file_lock_release(&lock);
        /* Still the parent's; afterwards free, although this child lives on. */
        if (foreign_can_lock(s, ".lock") || write(told[1], "x", 1) != 1) {
            _exit(1);
        }
        if (read(done[0], &byte, 1) != 1 || !foreign_can_lock(s, ".lock")) {
            _exit(2);
        }
        _exit(sb__setup_lock_take(&lock, s->path, NULL) ? 3 : 0);
    }
    close(told[1]);
    close(done[0]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_false(foreign_can_lock(s, ".lock"));
    sb__file_lock_release(&lock);
    assert_int_equal(write(done[1], "x", 1), 1);
    close(told[0]);
    close(done[1]);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

/* A process that dies while its child lives must not leave the lock behind. */
static void test_setup_lock__dies_with_its_holder_not_with_the_holders_child(void **state)
{
    scratch *s = *state;
    int grandchild_id[2], result;
    pid_t child, grandchild = 0;

    assert_int_equal(pipe(grandchild_id), 0);
    child = fork();
    if (!child) {
        sb__file_lock lock;
        pid_t inner = sb__setup_lock_take(&lock, s->path, NULL) ? -1 : fork();

        if (!inner) {
            close(grandchild_id[0]);
            close(grandchild_id[1]);
            for (;;) {
                pause();
            }
        }
        _exit(inner < 0 || write(grandchild_id[1], &inner, sizeof inner) != sizeof inner);
    }
    close(grandchild_id[1]);
    assert_int_equal(read(grandchild_id[0], &grandchild, sizeof grandchild), sizeof grandchild);
    /* End of file: the grandchild has run past fork(), its handlers included. */
    assert_int_equal(read(grandchild_id[0], &result, sizeof result), 0);
    close(grandchild_id[0]);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(foreign_can_lock(s, ".lock"));
    kill(grandchild, SIGKILL);
}

static void test_setup_lock__something_else_of_its_name_is_an_error(void **state)
{
    scratch *s = *state;
    char path[160];
    sb__file_lock lock;

    snprintf(path, sizeof path, "%s.lock", s->path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_status(SB_EOPERATIONAL, sb__setup_lock_take(&lock, s->path, NULL));
    assert_message("cannot lock");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(SB_EOPERATIONAL, sb__setup_lock_take(&lock, s->path, NULL));
    sb__setup_lock_ensure(s->path);
}

static void test_vacuum_lock__does_not_wait(void **state)
{
    scratch *s = *state;
    sb__file_lock first, second;

    assert_ok(sb__vacuum_lock_take(&first, s->path));
    assert_status(SB_EMPTY, sb__vacuum_lock_take(&second, s->path));
    assert_false(foreign_can_lock(s, ".vacuum.lock"));
    assert_true(foreign_can_lock(s, ".lock"));
    sb__file_lock_release(&first);
    {
        int fd = foreign_lock(s, ".vacuum.lock");

        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        assert_status(SB_EMPTY, sb__vacuum_lock_take(&second, s->path));
        close(fd);
    }
    assert_ok(sb__vacuum_lock_take(&second, s->path));
    sb__file_lock_release(&second);
}

static void test_ensure__makes_the_file_and_keeps_an_existing_one(void **state)
{
    scratch *s = *state;
    char path[160];
    size_t size;

    snprintf(path, sizeof path, "%s.lock", s->path);
    sb__setup_lock_ensure(s->path);
    free(read_file(&size, path));
    assert_int_equal(size, 1);
    write_file(path, "abc", 3);
    sb__setup_lock_ensure(s->path);
    free(read_file(&size, path));
    assert_int_equal(size, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_setup_lock__file_holds_one_nul_byte),
        TEST(test_setup_lock__excludes_other_implementations),
        TEST(test_setup_lock__timeout_is_a_retryable_failure),
        TEST(test_setup_lock__waits_for_the_holder),
        TEST(test_setup_lock__waiting_can_be_cancelled),
        TEST(test_setup_lock__threads_exclude_each_other),
        TEST(test_setup_lock__child_neither_prolongs_nor_releases_it),
        TEST(test_setup_lock__dies_with_its_holder_not_with_the_holders_child),
        TEST(test_setup_lock__something_else_of_its_name_is_an_error),
        TEST(test_vacuum_lock__does_not_wait),
        TEST(test_ensure__makes_the_file_and_keeps_an_existing_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
