/*
 * Threads that take one step at a time, in every order. A step begins with a call that other
 * threads can notice; the test's program is linked so that such calls of the library come here
 * first (see faults.cmake), where the thread stops until it is let through.
 */
#ifndef SB_FAULT_TURNSTILE_H
#define SB_FAULT_TURNSTILE_H

typedef struct play {
    int actors;            /* at most 3 */
    void (*begin)(void);   /* before each run; its calls are not stopped */
    void *(*act[3])(void *);
    void (*release)(void); /* ends the sleeps of a run in which nothing moves any more */
    void (*end)(void);     /* after each run */
    int preemptions;       /* how often a thread that could go on may be held up; -1: any number */
    int stops_at_mutexes;  /* for all actors but the last; needed when two share one */
} play;

typedef struct verdict {
    long runs;
    long stuck; /* runs at whose end threads slept, and nothing would ever wake them */
    char first_stuck[2000]; /* the steps of the first one */
} verdict;

/* Plays all orders of the steps of the actors, each in threads of its own. */
void turnstile_play(verdict *out, const play *p);

/* What the threads of the library must not do in this program; set before a play. */
extern int turnstile_checks_before_it_locks; /* the wrong order, to show that it is noticed */

/* Steps of the calling thread are not stopped between these two. */
void turnstile_pause(void);
void turnstile_go_on(void);

#endif
