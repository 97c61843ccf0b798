/*
 * No order of the steps of one who waits and one who writes loses a wake-up: the library's own code
 * runs in two threads (three for the change of the leader), which stop before each step, and every
 * order of the steps is tried. A wake-up is lost if the message is committed, the writer is done,
 * and the thread that waits for it sleeps with nothing to be read.
 *
 * Why these steps are all that count. The two sides share three things only:
 *  - the database: the writer's COMMIT becomes visible at one moment (the store that changes the
 *    header of the WAL's index), and each statement of the other side sees it whole or not at all;
 *  - the locks of F.lock: taken by one fcntl(F_OFD_SETLK), looked at by one fcntl(F_OFD_GETLK);
 *  - the events of F.lock: asked for by inotify_add_watch(), made by pwrite() and futimens(), taken
 *    by read(), and waited for by ppoll().
 * Each of these calls takes effect at one moment, and nothing else that one side does between two
 * of them can be noticed by the other. So each real execution has the same outcome as one in which
 * the calls come one after the other, and those are all played here. Two waiters of one process
 * also share the hub, under its mutex: taking it is a step as well when two of them play; there,
 * orders with more than two interruptions are left out, since there are millions.
 *
 * What could hide a loss is taken away: time stands still, so that neither the safety net nor a
 * timeout comes; and F-wal, whose events are the other way to find a message, is replaced by a file
 * that nobody writes. The last test shows that the wrong order, in which one looks for the message
 * before he takes the lock, is noticed.
 */
#include "core/foreign.h"
#include "core/waiting.h"
#include "turnstile.h"

static scratch *stage_scratch;
static sb_waiter *waiters[2];
static sb_cancel *cancels[2]; /* of the waiters; thrown to end a run that is stuck */
static sb_status statuses[2];
static sqlite3 *observer;

static void throw_all(void)
{
    sb_cancel_set(cancels[0]);
    sb_cancel_set(cancels[1]);
}

static void forget_messages(void)
{
    for (int i = 0; i < 2; i++) {
        sb_waiter_close(waiters[i]);
        waiters[i] = NULL;
        sb_cancel_reset(cancels[i]);
    }
    assert_true(sb_delete_all(NULL, stage_scratch->broker, NULL) >= 0);
}

static sb_status wait_with_switch(int i)
{
    sb_options options = with_timeout(-1);

    options.cancel = cancels[i];
    return sb_waiter_wait(waiters[i], &options);
}

static int64_t pending_seen_by_others(void)
{
    sqlite3_stmt *statement;
    int64_t count;

    turnstile_pause();
    assert_int_equal(sqlite3_prepare_v2(observer, "SELECT count(*) FROM messages WHERE queue = 'q' "
                                        "AND claimed = 0", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    turnstile_go_on();
    return count;
}

/* ---- a waiter that begins, and a writer ---- */


static void open_waiter(void)
{
    assert_ok(sb_waiter_open(&waiters[0], stage_scratch->broker));
}

static void *arm_and_sleep(void *unused)
{
    (void)unused;
    assert_ok(sb_waiter_add(waiters[0], "q", 1, NULL));
    statuses[0] = wait_with_switch(0);
    return NULL;
}

static void *write_one(void *unused)
{
    (void)unused;
    assert_ok(sb_write(NULL, stage_scratch->broker, "q", 1, "x", 1, NULL));
    return NULL;
}

static void end_of_arming(void)
{
    if (statuses[0] != SB_CANCELLED) {
        assert_int_equal(statuses[0], SB_OK);
        assert_int_equal(pending_seen_by_others(), 1);
    }
    forget_messages();
}

static const play arming = {.actors = 2, .begin = open_waiter, .act = {arm_and_sleep, write_one},
                            .release = throw_all, .end = end_of_arming, .preemptions = -1};

static void assert_none_stuck(const char *name, const play *p, long at_least)
{
    verdict v;

    turnstile_play(&v, p);
    print_message("%s: %ld orders, %ld lose a wake-up\n", name, v.runs, v.stuck);
    if (v.stuck) {
        fail_msg("lost in this order:\n%s", v.first_stuck);
    }
    assert_in_range(v.runs, at_least, 1000000);
}

static void test_arming__and_one_write(void **state)
{
    (void)state;
    assert_none_stuck("arming", &arming, 200);
}

static void *move_one(void *unused)
{
    sb_messages *messages = NULL;

    (void)unused;
    assert_ok(sb_move(&messages, stage_scratch->broker, "r", 1, "q", 1, 1, NULL));
    sb_messages_free(messages);
    return NULL;
}

static void open_waiter_beside_r(void)
{
    put(stage_scratch->broker, "r", "older");
    put(stage_scratch->broker, "s", "newer");
    open_waiter();
}

static void test_arming__and_a_move(void **state)
{
    play p = arming;

    (void)state;
    p.begin = open_waiter_beside_r;
    p.act[1] = move_one;
    assert_none_stuck("arming, move", &p, 200);
}

/* ---- one that has been armed before, and two writes ---- */

static void arm_in_advance(void)
{
    waiters[0] = waiter_for(stage_scratch->broker, "q", 0);
    assert_status(SB_EMPTY, wait_ms(waiters[0], 0));
}

static void *sleep_until_two_are_seen(void *unused)
{
    (void)unused;
    do {
        statuses[0] = wait_with_switch(0);
    } while (statuses[0] == SB_OK && pending_seen_by_others() < 2);
    return NULL;
}

static void *write_two(void *unused)
{
    write_one(unused);
    write_one(unused);
    return NULL;
}

static void end_of_two(void)
{
    assert_true(statuses[0] == SB_CANCELLED || statuses[0] == SB_OK);
    forget_messages();
}

static void test_sleeping_again__and_two_writes(void **state)
{
    const play p = {.actors = 2, .begin = arm_in_advance,
                    .act = {sleep_until_two_are_seen, write_two}, .release = throw_all,
                    .end = end_of_two, .preemptions = -1};

    (void)state;
    assert_none_stuck("sleeping again", &p, 200);
}

/* ---- the leader leaves ---- */

static void arm_two(void)
{
    waiters[0] = waiter_for(stage_scratch->broker, "q", 0);
    waiters[1] = waiter_for(stage_scratch->broker, "z", 0);
    wait_ms(waiters[0], 0);
}

static void *sleep_first(void *unused)
{
    (void)unused;
    statuses[0] = wait_with_switch(0);
    return NULL;
}

static void *sleep_second(void *unused)
{
    (void)unused;
    statuses[1] = wait_with_switch(1);
    return NULL;
}

static void *cancel_second_and_write(void *unused)
{
    sb_cancel_set(cancels[1]);
    return write_one(unused);
}

static void *write_and_cancel_second(void *unused)
{
    write_one(unused);
    sb_cancel_set(cancels[1]);
    return NULL;
}

static void end_of_two_waiters(void)
{
    assert_true(statuses[0] == SB_CANCELLED || statuses[0] == SB_OK);
    assert_int_equal(statuses[1], SB_CANCELLED);
    forget_messages();
}

static void test_leader__who_leaves_hands_on_the_watch(void **state)
{
    play p = {.actors = 3, .begin = arm_two,
              .act = {sleep_first, sleep_second, cancel_second_and_write}, .release = throw_all,
              .end = end_of_two_waiters, .preemptions = 2, .stops_at_mutexes = 1};

    (void)state;
    assert_none_stuck("leader cancelled, write", &p, 200);
    p.act[2] = write_and_cancel_second;
    assert_none_stuck("write, leader cancelled", &p, 200);
}

/* Of two that take, the one that is told of the message may be the one that is leaving. */
static void arm_two_takers(void)
{
    waiters[0] = waiter_for(stage_scratch->broker, "q", SB_TAKING);
    waiters[1] = waiter_for(stage_scratch->broker, "q", SB_TAKING);
    wait_ms(waiters[0], 0);
}

/* The one who is woken takes nothing: then the other must be told when he goes. */
static void *sleep_and_close_second(void *unused)
{
    (void)unused;
    statuses[1] = wait_with_switch(1);
    sb_waiter_close(waiters[1]);
    waiters[1] = NULL;
    return NULL;
}

static void end_of_takers(void)
{
    assert_true(statuses[0] == SB_CANCELLED || statuses[0] == SB_OK);
    forget_messages();
}

static void test_taker__who_leaves_hands_on_the_message(void **state)
{
    play p = {.actors = 3, .begin = arm_two_takers,
              .act = {sleep_first, sleep_and_close_second, cancel_second_and_write},
              .release = throw_all, .end = end_of_takers, .preemptions = 2,
              .stops_at_mutexes = 1};

    (void)state;
    assert_none_stuck("taker cancelled, write", &p, 200);
    p.act[2] = write_and_cancel_second;
    assert_none_stuck("write, taker cancelled", &p, 200);
}

static void test_wrong_order__is_noticed(void **state)
{
    verdict v;

    (void)state;
    turnstile_checks_before_it_locks = 1;
    turnstile_play(&v, &arming);
    turnstile_checks_before_it_locks = 0;
    print_message("look before lock: %ld orders, %ld lose a wake-up\n", v.runs, v.stuck);
    assert_in_range(v.stuck, 1, v.runs - 1);
}

static int open_all(void **state)
{
    if (scratch_open(state)) {
        return -1;
    }
    stage_scratch = *state;
    put(stage_scratch->broker, "q", "x"); /* so that all is opened and prepared once */
    take(stage_scratch->broker, "q");
    return sqlite3_open(stage_scratch->path, &observer) || sb_cancel_new(&cancels[0]) ||
           sb_cancel_new(&cancels[1]);
}

static int close_all(void **state)
{
    for (int i = 0; i < 2; i++) {
        sb_waiter_close(waiters[i]);
        waiters[i] = NULL;
        sb_cancel_free(cancels[i]);
    }
    sqlite3_close(observer);
    return scratch_free(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(test_arming__and_one_write),
        TEST(test_arming__and_a_move),
        TEST(test_sleeping_again__and_two_writes),
        TEST(test_leader__who_leaves_hands_on_the_watch),
        TEST(test_taker__who_leaves_hands_on_the_message),
        TEST(test_wrong_order__is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
