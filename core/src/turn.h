/*
 * Whose turn it is: one thread at a time works on a broker's connection, in order of arrival. A
 * turn is a state, not a lock: callbacks run while their thread has the turn, with no lock held.
 */
#ifndef SB_TURN_H
#define SB_TURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

typedef struct sb__turn_waiter sb__turn_waiter;

typedef struct sb__turn {
    /* 0: free; else a number of the holding thread, plus 1 when giving needs the mutex, because
     * somebody waits or the turn is closed. 1 alone: closed and free. */
    _Atomic uintptr_t state;
    pthread_mutex_t mutex; /* guards the rest */
    sb__turn_waiter *head, **tail;
    int closed;          /* waiters leave with SB_ECLOSED */
    pthread_cond_t idle; /* signalled when a closed turn becomes free */
} sb__turn;

sb_status sb__turn_init(sb__turn *turn);
void sb__turn_dispose(sb__turn *turn);

/*
 * Waits for the turn: SB_OK; SB_CANCELLED; SB_ECLOSED; SB_EBUSY_OWNER when this thread has it
 * already; SB_EOPERATIONAL, retryable, when the time is over. timeout_ms < 0: without end.
 */
sb_status sb__turn_take(sb__turn *turn, int64_t timeout_ms, const sb_cancel *cancel);

/* Hands the turn to the next waiter; on any thread. */
void sb__turn_give(sb__turn *turn);

int sb__turn_is_mine(sb__turn *turn);
int sb__turn_is_anothers(sb__turn *turn);

/* Threads in the queue. */
size_t sb__turn_waiting(sb__turn *turn);

/* Refuses all who wait and all who come. */
void sb__turn_close(sb__turn *turn);

/* After sb__turn_close(): waits until the holder gives the turn, if that is another thread. */
void sb__turn_wait_idle(sb__turn *turn, int64_t timeout_ms);

/*
 * After sb__turn_close(): takes the turn once more, to close what it guards or to fork. Whether it
 * was to be had in this time; not by the thread that has it. Leaves the error detail alone.
 */
int sb__turn_take_closed(sb__turn *turn, int64_t timeout_ms);

/* In a child process: nobody has the turn, nobody waits. */
void sb__turn_reset_after_fork(sb__turn *turn);

#endif
