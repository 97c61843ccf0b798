/* Turns: order, deadlines, closing, switches. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "clock.h"
#include "turn.h"

typedef struct visitor {
    sb__turn *turn;
    atomic_int *arrivals;
    atomic_int *order;
    int place;
    sb_status status;
    const sb_cancel *cancel;
} visitor;

static void *visit(void *argument)
{
    visitor *v = argument;

    atomic_fetch_add(v->arrivals, 1);
    v->status = sb__turn_take(v->turn, -1, v->cancel);
    if (!v->status) {
        v->place = atomic_fetch_add(v->order, 1);
        sb__turn_give(v->turn);
    }
    return NULL;
}

/* Waits until `count` threads stand in the queue. */
static void await_queue(sb__turn *turn, size_t count)
{
    size_t found;

    do {
        found = sb__turn_waiting(turn);
    } while (found < count);
}

static void test_take__again_by_the_same_thread_is_refused(void **state)
{
    sb__turn turn;

    (void)state;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_status(SB_EBUSY_OWNER, sb__turn_take(&turn, -1, NULL));
    sb__turn_give(&turn);
    assert_ok(sb__turn_take(&turn, 0, NULL));
    sb__turn_give(&turn);
    sb__turn_dispose(&turn);
}

static void test_give__wakes_waiters_in_order_of_arrival(void **state)
{
    enum { VISITORS = 8 };
    sb__turn turn;
    atomic_int arrivals = 0, order = 0;
    visitor visitors[VISITORS];
    pthread_t threads[VISITORS];

    (void)state;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    for (int i = 0; i < VISITORS; i++) {
        visitors[i] = (visitor){&turn, &arrivals, &order, -1, SB_OK, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
        await_queue(&turn, (size_t)i + 1);
    }
    sb__turn_give(&turn);
    for (int i = 0; i < VISITORS; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(visitors[i].status);
        assert_int_equal(visitors[i].place, i);
    }
    sb__turn_dispose(&turn);
}

static void *hold_for_another(void *argument)
{
    return (void *)(intptr_t)sb__turn_take(argument, 20, NULL);
}

static void test_take__past_its_time_fails_and_may_be_retried(void **state)
{
    sb__turn turn;
    pthread_t thread;
    void *result;

    (void)state;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&thread, NULL, hold_for_another, &turn), 0);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, SB_EOPERATIONAL);
    sb__turn_give(&turn);
    assert_ok(sb__turn_take(&turn, -1, NULL));
    sb__turn_give(&turn);
    sb__turn_dispose(&turn);
}

static void test_close__sends_waiters_and_newcomers_away(void **state)
{
    sb__turn turn;
    atomic_int arrivals = 0, order = 0;
    visitor v = {&turn, &arrivals, &order, -1, SB_OK, NULL};
    pthread_t thread;

    (void)state;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&thread, NULL, visit, &v), 0);
    await_queue(&turn, 1);
    sb__turn_close(&turn);
    pthread_join(thread, NULL);
    assert_int_equal(v.status, SB_ECLOSED);
    sb__turn_give(&turn);
    assert_status(SB_ECLOSED, sb__turn_take(&turn, -1, NULL));
    sb__turn_dispose(&turn);
}

static void test_switch__ends_a_wait(void **state)
{
    sb__turn turn;
    atomic_int arrivals = 0, order = 0;
    sb_cancel *cancel;
    visitor v = {&turn, &arrivals, &order, -1, SB_OK, NULL};
    pthread_t thread;

    (void)state;
    assert_ok(sb_cancel_new(&cancel));
    v.cancel = cancel;
    assert_ok(sb__turn_init(&turn));
    assert_ok(sb__turn_take(&turn, -1, NULL));
    assert_int_equal(pthread_create(&thread, NULL, visit, &v), 0);
    await_queue(&turn, 1);
    sb_cancel_set(cancel);
    pthread_join(thread, NULL);
    assert_int_equal(v.status, SB_CANCELLED);
    sb__turn_give(&turn);
    sb__turn_dispose(&turn);
    sb_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take__again_by_the_same_thread_is_refused),
        cmocka_unit_test(test_give__wakes_waiters_in_order_of_arrival),
        cmocka_unit_test(test_take__past_its_time_fails_and_may_be_retried),
        cmocka_unit_test(test_close__sends_waiters_and_newcomers_away),
        cmocka_unit_test(test_switch__ends_a_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
