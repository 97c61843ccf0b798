/*
 * Waiters in several threads: who is woken by a message, by a switch, by the end of the broker and
 * by a signal; and that the one who is woken passes it on when he leaves without having taken it.
 */
#include "foreign.h"
#include "waiting.h"

#include <signal.h>

enum { CREW = 4 };

static void test_wait__sleeps_until_a_message_comes(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);

    for (int round = 0; round < 20; round++) {
        sleeper thread;
        int64_t begin;

        sleeper_start(&thread, waiter, NULL);
        begin = waiting_now_ns();
        put(s->broker, "q", "x");
        assert_woken(&thread, begin, SB_OK);
        take(s->broker, "q");
        settle(waiter);
    }
    sb_waiter_close(waiter);
}

/* Also long after it fell asleep, and after it was disturbed in vain. */
static void test_wait__other_queues_do_not_end_it(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sleeper thread;
    int64_t begin;

    sleeper_start(&thread, waiter, NULL);
    for (int i = 0; i < 100; i++) {
        put(s->broker, "r", "x");
    }
    assert_int_equal(sleeper_sleeps(&thread), 1);
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    assert_woken(&thread, begin, SB_OK);
    sb_waiter_close(waiter);
}

static void crew_start(sleeper *crew, sb_waiter **waiters, sb_broker *broker, uint32_t flags,
                       sb_cancel *cancel)
{
    for (int i = 0; i < CREW; i++) {
        waiters[i] = waiter_for(broker, "q", flags);
        sleeper_start(&crew[i], waiters[i], cancel);
    }
}

static int crew_done(sleeper *crew)
{
    int done = 0;

    for (int i = 0; i < CREW; i++) {
        done += atomic_load(&crew[i].done);
    }
    return done;
}

static void crew_end(sleeper *crew, sb_waiter **waiters, int64_t since, sb_status expected)
{
    for (int i = 0; i < CREW; i++) {
        assert_woken(&crew[i], since, expected);
        sb_waiter_close(waiters[i]);
    }
}

static void test_peeking__one_message_wakes_all(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[CREW];
    sleeper crew[CREW];
    int64_t begin;

    crew_start(crew, waiters, s->broker, 0, NULL);
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    crew_end(crew, waiters, begin, SB_OK);
}

/* How many of a sleeping crew one message wakes. */
static int woken_by_one(scratch *s)
{
    sb_waiter *waiters[CREW];
    sleeper crew[CREW];
    int64_t begin;
    int done;

    crew_start(crew, waiters, s->broker, SB_TAKING, NULL);
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    while (!crew_done(crew)) {
        assert_true(ms_since(begin) < SOON_MS);
        sched_yield();
    }
    for (int i = 0; i < CREW; i++) {
        sleeper_sleeps(&crew[i]);
    }
    done = crew_done(crew);
    take(s->broker, "q");
    for (int i = done; i < CREW; i++) {
        put(s->broker, "q", "for the others");
    }
    for (int i = 0; i < CREW; i++) {
        assert_int_equal(sleeper_end(&crew[i]), SB_OK);
        sb_waiter_close(waiters[i]);
    }
    assert_ok(sb_delete_queue(NULL, s->broker, "q", 1, NULL));
    return done;
}

/* Rarely somebody is woken in vain, which is allowed; all are never woken. */
static void test_taking__each_message_wakes_one(void **state)
{
    enum { ROUNDS = 20 };
    int exactly_one = 0;

    for (int round = 0; round < ROUNDS; round++) {
        exactly_one += woken_by_one(*state) == 1;
    }
    assert_in_range(exactly_one, ROUNDS - 3, ROUNDS);
}

static void test_taking__so_many_at_once_wake_so_many(void **state)
{
    scratch *s = *state;
    sb_messages *messages = sb_messages_new();
    sb_waiter *waiters[CREW];
    sleeper crew[CREW];
    int64_t begin, ids[CREW];

    for (int i = 0; i < CREW; i++) {
        assert_ok(sb_messages_add(messages, "q", 1, "x", 1, 0));
    }
    crew_start(crew, waiters, s->broker, SB_TAKING, NULL);
    begin = waiting_now_ns();
    assert_ok(sb_write_many(ids, s->broker, messages, NULL));
    crew_end(crew, waiters, begin, SB_OK);
    sb_messages_free(messages);
}

/* Who peeks is woken as well, besides the one who takes. */
static void test_taking__does_not_keep_it_from_who_peeks(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[3] = {waiter_for(s->broker, "q", SB_TAKING), waiter_for(s->broker, "q", 0),
                             waiter_for(s->broker, NULL, 0)};
    sleeper crew[3];
    int64_t begin;

    for (int i = 0; i < 3; i++) {
        sleeper_start(&crew[i], waiters[i], NULL);
    }
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    for (int i = 0; i < 3; i++) {
        assert_woken(&crew[i], begin, SB_OK);
        sb_waiter_close(waiters[i]);
    }
}

/* The index of the one who is done, of two. */
static int first_done(sleeper *pair)
{
    int64_t begin = waiting_now_ns();

    while (!atomic_load(&pair[0].done) && !atomic_load(&pair[1].done)) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
    return !atomic_load(&pair[0].done);
}

/* Of two, the one who is woken leaves: the other must be woken then. */
static void leave_without_taking(scratch *s, int closes)
{
    sb_waiter *waiters[2];
    sleeper pair[2];
    int64_t begin;
    int first;

    for (int i = 0; i < 2; i++) {
        waiters[i] = waiter_for(s->broker, "q", SB_TAKING);
        sleeper_start(&pair[i], waiters[i], NULL);
    }
    put(s->broker, "q", "x");
    first = first_done(pair);
    assert_int_equal(sleeper_end(&pair[first]), SB_OK);
    begin = waiting_now_ns();
    if (closes) {
        sb_waiter_close(waiters[first]);
        waiters[first] = NULL;
    } else {
        assert_ok(sb_waiter_remove(waiters[first], "q", 1));
    }
    assert_woken(&pair[!first], begin, SB_OK);
    sb_waiter_close(waiters[0]);
    sb_waiter_close(waiters[1]);
}

static void test_taking__who_closes_without_taking_passes_it_on(void **state)
{
    leave_without_taking(*state, 1);
}

static void test_taking__who_removes_the_queue_passes_it_on(void **state)
{
    leave_without_taking(*state, 0);
}

/* One that is armed but does not sleep gets nothing at the expense of one that does. */
static void test_taking__who_does_not_sleep_is_passed_over(void **state)
{
    scratch *s = *state;
    sb_waiter *awake = waiter_for(s->broker, "q", SB_TAKING);
    sb_waiter *asleep = waiter_for(s->broker, "q", SB_TAKING);
    sleeper thread;
    int64_t begin;

    for (int round = 0; round < 4; round++) {
        sleeper_start(&thread, asleep, NULL);
        begin = waiting_now_ns();
        put(s->broker, "q", "x");
        assert_woken(&thread, begin, SB_OK);
        take(s->broker, "q");
        settle(asleep);
    }
    sb_waiter_close(awake);
    sb_waiter_close(asleep);
}

static void on_signal(int number)
{
    (void)number;
}

static void handle_usr1(int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

/* A pair whose first member is disturbed at the moment of the message: one of the two gets it. */
static void race_with_message(scratch *s, int round, void (*disturb)(sleeper *, sb_cancel *))
{
    sb_waiter *waiters[2];
    sb_cancel *cancel;
    sleeper pair[2];
    int64_t begin;

    assert_ok(sb_cancel_new(&cancel));
    for (int i = 0; i < 2; i++) {
        waiters[i] = waiter_for(s->broker, "q", SB_TAKING);
        sleeper_start(&pair[i], waiters[i], i ? NULL : cancel);
    }
    begin = waiting_now_ns();
    if (round % 2) {
        disturb(&pair[0], cancel);
    }
    put(s->broker, "q", "x");
    if (round % 2 == 0) {
        disturb(&pair[0], cancel);
    }
    if (sleeper_end(&pair[0]) == SB_OK) {
        take(s->broker, "q");
        put(s->broker, "q", "for the other");
    }
    assert_woken(&pair[1], begin, SB_OK);
    take(s->broker, "q");
    sb_waiter_close(waiters[0]);
    sb_waiter_close(waiters[1]);
    sb_cancel_free(cancel);
}

static void throw_switch(sleeper *thread, sb_cancel *cancel)
{
    (void)thread;
    sb_cancel_set(cancel);
}

static void send_signal(sleeper *thread, sb_cancel *cancel)
{
    (void)cancel;
    pthread_kill(thread->thread, SIGUSR1);
}

static void test_taking__who_is_disturbed_at_that_moment_passes_it_on(void **state)
{
    handle_usr1(0);
    for (int round = 0; round < 60; round++) {
        race_with_message(*state, round, round % 4 < 2 ? throw_switch : send_signal);
    }
}

static void test_timeout__at_the_moment_of_the_message_loses_none(void **state)
{
    scratch *s = *state;
    sb_waiter *brief = waiter_for(s->broker, "q", SB_TAKING);

    for (int round = 0; round < 100; round++) {
        sb_waiter *patient = waiter_for(s->broker, "q", SB_TAKING);
        sleeper threads[2];
        int64_t begin;

        sleeper_start(&threads[1], patient, NULL);
        memset(&threads[0], 0, sizeof threads[0]);
        threads[0].waiter = brief;
        threads[0].options = with_timeout(round % 3);
        assert_int_equal(pthread_create(&threads[0].thread, NULL, sleeper_run, &threads[0]), 0);
        begin = waiting_now_ns();
        put(s->broker, "q", "x");
        if (sleeper_end(&threads[0]) == SB_OK) {
            take(s->broker, "q");
            settle(brief);
            put(s->broker, "q", "for the other");
        }
        assert_woken(&threads[1], begin, SB_OK);
        take(s->broker, "q");
        sb_waiter_close(patient);
        settle(brief);
    }
    sb_waiter_close(brief);
}

static void test_cancel__ends_every_wait_at_once(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[CREW];
    sb_cancel *cancel;
    sleeper crew[CREW];
    sb_options options;
    int64_t begin;

    assert_ok(sb_cancel_new(&cancel));
    crew_start(crew, waiters, s->broker, 0, cancel);
    begin = waiting_now_ns();
    sb_cancel_set(cancel);
    for (int i = 0; i < CREW; i++) {
        assert_woken(&crew[i], begin, SB_CANCELLED);
    }
    options = with_timeout(HANGS_AFTER_MS);
    options.cancel = cancel;
    assert_status(SB_CANCELLED, sb_waiter_wait(waiters[0], &options));
    sb_cancel_reset(cancel);
    put(s->broker, "q", "x");
    for (int i = 0; i < CREW; i++) {
        assert_ok(sb_waiter_wait(waiters[i], &options));
        sb_waiter_close(waiters[i]);
    }
    sb_cancel_free(cancel);
}

/* The leader may be any of them: who is left must hear of the message all the same. */
static void test_cancel__of_one_leaves_the_others_asleep_and_heard(void **state)
{
    scratch *s = *state;

    for (int one = 0; one < CREW; one++) {
        sb_waiter *waiters[CREW];
        sb_cancel *cancel;
        sleeper crew[CREW];
        int64_t begin;

        assert_ok(sb_cancel_new(&cancel));
        for (int i = 0; i < CREW; i++) {
            waiters[i] = waiter_for(s->broker, "q", 0);
            sleeper_start(&crew[i], waiters[i], i == one ? cancel : NULL);
        }
        begin = waiting_now_ns();
        sb_cancel_set(cancel);
        assert_woken(&crew[one], begin, SB_CANCELLED);
        sb_waiter_close(waiters[one]);
        begin = waiting_now_ns();
        put(s->broker, "q", "x");
        for (int i = 0; i < CREW; i++) {
            if (i != one) {
                assert_woken(&crew[i], begin, SB_OK);
                sb_waiter_close(waiters[i]);
            }
        }
        take(s->broker, "q");
        sb_cancel_free(cancel);
    }
}

static int says_stop(void *payload)
{
    return atomic_fetch_add((atomic_int *)payload, 1) == 2;
}

static void test_cancel__its_callback_is_asked_during_the_wait(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sb_options options = with_timeout(HANGS_AFTER_MS);
    atomic_int asked = 0;

    assert_ok(sb_cancel_new(&options.cancel));
    sb_cancel_on_poll(options.cancel, says_stop, &asked);
    assert_status(SB_CANCELLED, sb_waiter_wait(waiter, &options));
    assert_int_equal(atomic_load(&asked), 3);
    sb_waiter_close(waiter);
    sb_cancel_free(options.cancel);
}

static void end_broker(void **state, void (*end)(sb_broker *))
{
    scratch *s = *state;
    sb_broker *broker = NULL;
    sb_waiter *waiters[CREW], *other = waiter_for(s->broker, "q", 0);
    sleeper crew[CREW], neighbour;
    int64_t begin;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    crew_start(crew, waiters, broker, 0, NULL);
    sleeper_start(&neighbour, other, NULL);
    begin = waiting_now_ns();
    end(broker);
    crew_end(crew, waiters, begin, SB_ECLOSED);
    /* A broker of its own on the same file is not touched. */
    assert_int_equal(sleeper_sleeps(&neighbour), 1);
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    assert_woken(&neighbour, begin, SB_OK);
    sb_waiter_close(other);
    if (end == sb_shut) {
        sb_close(broker);
    }
}

static void test_close__ends_every_wait_at_once(void **state)
{
    end_broker(state, sb_close);
}

static void test_shut__ends_every_wait_at_once(void **state)
{
    end_broker(state, sb_shut);
}

static void test_signal__its_handler_ends_the_wait(void **state)
{
    static const int flags[] = {0, SA_RESTART};
    scratch *s = *state;

    for (int i = 0; i < 2; i++) {
        sb_waiter *waiters[CREW];
        sleeper crew[CREW];
        int64_t begin;

        handle_usr1(flags[i]);
        crew_start(crew, waiters, s->broker, 0, NULL);
        /* One after the other, so that both who leads and who follows are asked. */
        for (int n = 0; n < CREW; n++) {
            begin = waiting_now_ns();
            pthread_kill(crew[n].thread, SIGUSR1);
            assert_woken(&crew[n], begin, SB_INTERRUPTED);
            for (int m = n + 1; m < CREW; m++) {
                assert_int_equal(sleeper_sleeps(&crew[m]), 1);
            }
        }
        put(s->broker, "q", "x");
        for (int n = 0; n < CREW; n++) {
            assert_ok(wait_ms(waiters[n], SOON_MS));
            sb_waiter_close(waiters[n]);
        }
        take(s->broker, "q");
    }
}

/* One thread waits inside, another on the descriptor: each is told of its own queue. */
static void test_fd_and_thread__side_by_side(void **state)
{
    scratch *s = *state;
    sb_waiter *inside = waiter_for(s->broker, "inside", 0);
    sb_waiter *outside = waiter_for(s->broker, "outside", 0);
    int fd = sb_waiter_fd(outside);

    settle(outside);
    for (int round = 0; round < 20; round++) {
        sleeper thread;
        int64_t begin;

        sleeper_start(&thread, inside, NULL);
        begin = waiting_now_ns();
        put(s->broker, "outside", "x");
        while (wait_ms(outside, 0) != SB_OK) {
            assert_true(readable(fd, SOON_MS));
            assert_true(ms_since(begin) < SOON_MS);
        }
        assert_int_equal(sleeper_sleeps(&thread), 1);
        begin = waiting_now_ns();
        put(s->broker, "inside", "x");
        assert_woken(&thread, begin, SB_OK);
        take(s->broker, "inside");
        take(s->broker, "outside");
        settle(inside);
    }
    sb_waiter_close(inside);
    sb_waiter_close(outside);
}

/* While one asks for what was reported, another thread may find that more has come. */
static void test_next__what_comes_meanwhile_loses_none(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "a", 0), *other = waiter_for(s->broker, "z", 0);
    const char *name;
    sleeper leader;

    assert_ok(sb_waiter_add(waiter, "b", 1, NULL));
    assert_ok(sb_waiter_add(waiter, "c", 1, NULL));
    for (int again = 0; again < 3; again++) {
        int names = 0;

        for (int i = 0; i < 3; i++) {
            put(s->broker, (const char *[]){"a", "b", "c"}[i], "x");
        }
        assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
        sleeper_start(&leader, other, NULL);
        put(s->broker, (const char *[]){"a", "b", "c"}[again], "more");
        put(s->broker, "z", "x");
        assert_int_equal(sleeper_end(&leader), SB_OK);
        while (sb_waiter_next(&name, NULL, waiter) == SB_OK) {
            names++;
        }
        assert_int_equal(names, 3);
        assert_ok(wait_ms(waiter, 0));
        settle(waiter);
        settle(other);
    }
    sb_waiter_close(waiter);
    sb_waiter_close(other);
}

typedef struct letter {
    sb_broker *broker;
    char queue[32];
    sb_status status;
} letter;

static void *send_letter(void *argument)
{
    letter *l = argument;

    l->status = sb_write(NULL, l->broker, l->queue, NTS, "x", 1, NULL);
    return NULL;
}

/* Writers that wait for one another are committed together: for each of them somebody is woken. */
static void test_writers__that_commit_together_wake_all(void **state)
{
    enum { WRITERS = 9 };
    scratch *s = *state;
    letter letters[WRITERS];
    pthread_t writers[WRITERS];
    sb_waiter *waiters[WRITERS];
    sleeper sleepers[WRITERS];
    sb_txn *txn = NULL;
    int64_t begin;

    for (int i = 0; i < WRITERS; i++) {
        letters[i].broker = s->broker;
        snprintf(letters[i].queue, sizeof letters[i].queue, "queue%d", i);
        waiters[i] = waiter_for(s->broker, letters[i].queue, SB_TAKING);
        sleeper_start(&sleepers[i], waiters[i], NULL);
    }
    assert_ok(sb_txn_begin(&txn, s->broker, NULL));
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, send_letter, &letters[i]), 0);
    }
    begin = waiting_now_ns();
    sb_txn_rollback(txn);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i], NULL), 0);
        assert_int_equal(letters[i].status, SB_OK);
        assert_woken(&sleepers[i], begin, SB_OK);
        sb_waiter_close(waiters[i]);
    }
}

static void test_add_and_remove__while_others_sleep(void **state)
{
    scratch *s = *state;
    sb_waiter *asleep = waiter_for(s->broker, "q", 0);
    sleeper thread;
    int64_t begin;

    sleeper_start(&thread, asleep, NULL);
    for (int i = 0; i < 50; i++) {
        sb_waiter *busy = waiter_for(s->broker, i % 2 ? "q" : "r", 0);

        assert_ok(sb_waiter_add(busy, "s", 1, NULL));
        assert_ok(sb_waiter_remove(busy, i % 2 ? "q" : "r", 1));
        sb_waiter_close(busy);
    }
    begin = waiting_now_ns();
    put(s->broker, "q", "x");
    assert_woken(&thread, begin, SB_OK);
    sb_waiter_close(asleep);
}

static void test_runner_of_others__another_threads_write_is_found(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sleeper thread;

    sleeper_begin(&thread, waiter, NULL);
    while (!atomic_load(&thread.tid)) {
        sched_yield();
    }
    put(s->broker, "q", "x");
    assert_int_equal(sleeper_end(&thread), SB_OK);
    sb_waiter_close(waiter);
}

static void test_runner_of_others__switch_and_end_are_heard(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sb_cancel *cancel;
    sleeper thread;

    assert_ok(sb_cancel_new(&cancel));
    sleeper_begin(&thread, waiter, cancel);
    sb_cancel_set(cancel);
    assert_int_equal(sleeper_end(&thread), SB_CANCELLED);
    sb_cancel_reset(cancel);
    sleeper_begin(&thread, waiter, cancel);
    sb_shut(s->broker);
    assert_int_equal(sleeper_end(&thread), SB_ECLOSED);
    sb_waiter_close(waiter);
    sb_cancel_free(cancel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
#define FOREIGN_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, scratch_open_foreign, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_wait__sleeps_until_a_message_comes),
        TEST(test_wait__other_queues_do_not_end_it),
        TEST(test_peeking__one_message_wakes_all),
        TEST(test_taking__each_message_wakes_one),
        TEST(test_taking__so_many_at_once_wake_so_many),
        TEST(test_taking__does_not_keep_it_from_who_peeks),
        TEST(test_taking__who_closes_without_taking_passes_it_on),
        TEST(test_taking__who_removes_the_queue_passes_it_on),
        TEST(test_taking__who_does_not_sleep_is_passed_over),
        TEST(test_taking__who_is_disturbed_at_that_moment_passes_it_on),
        TEST(test_timeout__at_the_moment_of_the_message_loses_none),
        TEST(test_cancel__ends_every_wait_at_once),
        TEST(test_cancel__of_one_leaves_the_others_asleep_and_heard),
        TEST(test_cancel__its_callback_is_asked_during_the_wait),
        TEST(test_close__ends_every_wait_at_once),
        TEST(test_shut__ends_every_wait_at_once),
        TEST(test_signal__its_handler_ends_the_wait),
        TEST(test_fd_and_thread__side_by_side),
        TEST(test_next__what_comes_meanwhile_loses_none),
        TEST(test_writers__that_commit_together_wake_all),
        TEST(test_add_and_remove__while_others_sleep),
        FOREIGN_TEST(test_runner_of_others__another_threads_write_is_found),
        FOREIGN_TEST(test_runner_of_others__switch_and_end_are_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
