/*
 * A first-come, first-served turn. Without contention it is one compare-and-swap to take and one to
 * give. With it, the holder hands the turn directly to the head of a queue, so that no late-comer
 * can overtake: whoever comes to wait marks the state, under the mutex and before it enters the
 * queue, which sends the holder to the mutex when it gives. A waiter with a cancel switch looks at
 * it every few milliseconds: a switch is thrown from signal handlers, where no condition variable
 * may be touched. A switch's callback is asked without the mutex, so the turn may come meanwhile.
 */
#include "turn.h"

#include <errno.h>
#include <time.h>

#include "cancel.h"
#include "clock.h"
#include "error.h"

struct sb__turn_waiter {
    sb__turn_waiter *next;
    uintptr_t thread;
    pthread_cond_t granted_cond;
    int granted;
};

enum { NEEDS_MUTEX = 1 };
enum { LOOK_AT_SWITCH_NS = 5000000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/* A number that is this thread's alone, and even. */
static uintptr_t this_thread(void)
{
    static _Thread_local uint64_t mine;

    return (uintptr_t)&mine;
}

static uintptr_t holder_of(uintptr_t state)
{
    return state & ~(uintptr_t)NEEDS_MUTEX;
}

static int init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);

    if (failed) {
        return failed;
    }
#if !defined(__APPLE__)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    failed = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
}

sb_status sb__turn_init(sb__turn *turn)
{
    atomic_init(&turn->state, 0);
    turn->head = NULL;
    turn->tail = &turn->head;
    turn->closed = 0;
    if (pthread_mutex_init(&turn->mutex, NULL)) {
        return sb__fail(SB_ERROR, "cannot make a mutex");
    }
    if (init_cond(&turn->idle)) {
        pthread_mutex_destroy(&turn->mutex);
        return sb__fail(SB_ERROR, "cannot make a condition variable");
    }
    return SB_OK;
}

void sb__turn_dispose(sb__turn *turn)
{
    pthread_cond_destroy(&turn->idle);
    pthread_mutex_destroy(&turn->mutex);
}

static void wait_until(sb__turn *turn, pthread_cond_t *cond, int64_t until_ns)
{
    struct timespec until;

#if defined(__APPLE__)
    until_ns += sb__clock_wall_ns() - sb__clock_monotonic_ns();
#endif
    until.tv_sec = until_ns / NS_PER_S;
    until.tv_nsec = until_ns % NS_PER_S;
    pthread_cond_timedwait(cond, &turn->mutex, &until);
}

static void leave_queue(sb__turn *turn, const sb__turn_waiter *me)
{
    sb__turn_waiter **link = &turn->head;

    while (*link != me) {
        link = &(*link)->next;
    }
    *link = me->next;
    if (!*link) {
        turn->tail = link;
    }
}

/* @locks releases the mutex while the callback of the switch is asked. */
static sb_status check_or_ask(sb__turn *turn, const sb_cancel *cancel)
{
    sb_status status;

    if (!sb__cancel_poll_is_due(cancel)) {
        return sb__check_cancel(cancel);
    }
    pthread_mutex_unlock(&turn->mutex);
    status = sb__cancel_check_or_ask(cancel);
    pthread_mutex_lock(&turn->mutex);
    return status;
}

static sb_status wait_in_queue(sb__turn *turn, sb__turn_waiter *me, int64_t timeout_ms,
                               const sb_cancel *cancel)
{
    int64_t now = sb__clock_monotonic_ns();
    int64_t deadline = timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / NS_PER_MS
                           ? INT64_MAX
                           : now + timeout_ms * NS_PER_MS;

    while (!me->granted) {
        sb_status status = turn->closed ? sb__fail(SB_ECLOSED, "the broker is closed")
                                        : check_or_ask(turn, cancel);

        if (status || me->granted) {
            return status;
        }
        if (now >= deadline) {
            sb__fail(SB_EOPERATIONAL, "timed out waiting for another thread's operation");
            sb__error_set_retryable(1);
            return SB_EOPERATIONAL;
        }
        if (cancel) {
            wait_until(turn, &me->granted_cond,
                       now + LOOK_AT_SWITCH_NS < deadline ? now + LOOK_AT_SWITCH_NS : deadline);
        } else if (deadline == INT64_MAX) {
            pthread_cond_wait(&me->granted_cond, &turn->mutex);
        } else {
            wait_until(turn, &me->granted_cond, deadline);
        }
        now = sb__clock_monotonic_ns();
    }
    return SB_OK;
}

static sb_status fail_own(void)
{
    return sb__fail(SB_EBUSY_OWNER, "this thread is inside an operation of the same broker");
}

/* So it is in a callback that was asked whether to wait on: it would wait for itself. */
static int is_in_queue(const sb__turn *turn, uintptr_t thread)
{
    for (const sb__turn_waiter *w = turn->head; w; w = w->next) {
        if (w->thread == thread) {
            return 1;
        }
    }
    return 0;
}

static sb_status queue_up(sb__turn *turn, uintptr_t me, int64_t timeout_ms,
                          const sb_cancel *cancel)
{
    sb__turn_waiter waiter = {.next = NULL, .thread = me, .granted = 0};
    sb_status status;

    if (is_in_queue(turn, me)) {
        return fail_own();
    }
    if (init_cond(&waiter.granted_cond)) {
        return sb__fail(SB_ERROR, "cannot make a condition variable");
    }
    *turn->tail = &waiter;
    turn->tail = &waiter.next;
    status = wait_in_queue(turn, &waiter, timeout_ms, cancel);
    if (status && !waiter.granted) {
        leave_queue(turn, &waiter);
    }
    pthread_cond_destroy(&waiter.granted_cond);
    return status;
}

/* Takes a turn that has become free meanwhile, or marks that somebody waits: whether it took. */
static int take_or_mark(sb__turn *turn, uintptr_t me)
{
    uintptr_t state = atomic_load(&turn->state);

    for (;;) {
        uintptr_t wanted = state ? state | NEEDS_MUTEX : me;

        if (atomic_compare_exchange_weak(&turn->state, &state, wanted)) {
            return wanted == me;
        }
    }
}

static sb_status take_slowly(sb__turn *turn, uintptr_t me, int64_t timeout_ms,
                             const sb_cancel *cancel)
{
    sb_status status;

    pthread_mutex_lock(&turn->mutex);
    if (turn->closed) {
        status = sb__fail(SB_ECLOSED, "the broker is closed");
    } else {
        status = take_or_mark(turn, me) ? SB_OK : queue_up(turn, me, timeout_ms, cancel);
    }
    pthread_mutex_unlock(&turn->mutex);
    return status;
}

sb_status sb__turn_take(sb__turn *turn, int64_t timeout_ms, const sb_cancel *cancel)
{
    uintptr_t me = this_thread(), state = 0;
    sb_status status;

    if (atomic_compare_exchange_strong_explicit(&turn->state, &state, me, memory_order_acquire,
                                                memory_order_relaxed)) {
        return SB_OK;
    }
    if (holder_of(state) == me) {
        return fail_own();
    }
    status = take_slowly(turn, me, timeout_ms, cancel);
    if (status && sb__turn_is_mine(turn)) {
        sb__turn_give(turn); /* it came while the callback ended the wait */
    }
    return status;
}

static void give_slowly(sb__turn *turn)
{
    sb__turn_waiter *next;

    pthread_mutex_lock(&turn->mutex);
    next = turn->closed ? NULL : turn->head;
    if (next) {
        turn->head = next->next;
        if (!turn->head) {
            turn->tail = &turn->head;
        }
        atomic_store(&turn->state, next->thread | (turn->head ? NEEDS_MUTEX : 0));
        next->granted = 1;
        pthread_cond_signal(&next->granted_cond);
    } else {
        atomic_store(&turn->state, turn->closed ? NEEDS_MUTEX : 0);
        if (turn->closed) {
            pthread_cond_broadcast(&turn->idle);
        }
    }
    pthread_mutex_unlock(&turn->mutex);
}

void sb__turn_give(sb__turn *turn)
{
    uintptr_t state = atomic_load_explicit(&turn->state, memory_order_relaxed);

    if (state & NEEDS_MUTEX ||
        !atomic_compare_exchange_strong_explicit(&turn->state, &state, 0, memory_order_release,
                                                 memory_order_relaxed)) {
        give_slowly(turn);
    }
}

int sb__turn_is_mine(sb__turn *turn)
{
    return holder_of(atomic_load(&turn->state)) == this_thread();
}

int sb__turn_is_anothers(sb__turn *turn)
{
    uintptr_t holder = holder_of(atomic_load_explicit(&turn->state, memory_order_relaxed));

    return holder && holder != this_thread();
}

size_t sb__turn_waiting(sb__turn *turn)
{
    size_t count = 0;

    pthread_mutex_lock(&turn->mutex);
    for (const sb__turn_waiter *w = turn->head; w; w = w->next) {
        count++;
    }
    pthread_mutex_unlock(&turn->mutex);
    return count;
}

void sb__turn_close(sb__turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    turn->closed = 1;
    atomic_fetch_or(&turn->state, NEEDS_MUTEX);
    for (sb__turn_waiter *w = turn->head; w; w = w->next) {
        pthread_cond_signal(&w->granted_cond);
    }
    pthread_mutex_unlock(&turn->mutex);
}

/* With the mutex: waits while another thread has the closed turn. Who has it in the end, or 0. */
static uintptr_t wait_while_anothers(sb__turn *turn, int64_t timeout_ms)
{
    int64_t deadline = sb__clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    uintptr_t me = this_thread();

    for (;;) {
        uintptr_t holder = holder_of(atomic_load(&turn->state));

        if (!holder || holder == me || sb__clock_monotonic_ns() >= deadline) {
            return holder;
        }
        wait_until(turn, &turn->idle, deadline);
    }
}

void sb__turn_wait_idle(sb__turn *turn, int64_t timeout_ms)
{
    pthread_mutex_lock(&turn->mutex);
    wait_while_anothers(turn, timeout_ms);
    pthread_mutex_unlock(&turn->mutex);
}

int sb__turn_take_closed(sb__turn *turn, int64_t timeout_ms)
{
    int is_free;

    pthread_mutex_lock(&turn->mutex);
    is_free = !wait_while_anothers(turn, timeout_ms);
    if (is_free) {
        atomic_store(&turn->state, this_thread() | NEEDS_MUTEX);
    }
    pthread_mutex_unlock(&turn->mutex);
    return is_free;
}

void sb__turn_reset_after_fork(sb__turn *turn)
{
    int closed = turn->closed;

    sb__turn_init(turn);
    turn->closed = closed;
    atomic_store(&turn->state, closed ? NEEDS_MUTEX : 0);
}
