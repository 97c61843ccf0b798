/*
 * Descriptors that wake: one that a thread writes to wake another, a timer, and a set of several
 * which an event loop can poll as one. Each is -1 where the system does not have it, and all
 * functions accept that.
 */
#ifndef SB_WAKE_FD_H
#define SB_WAKE_FD_H

#include <stdint.h>

int sb__wake_fd_new(void);
void sb__wake_fd_set(int fd);
void sb__wake_fd_clear(int fd);

int sb__wake_timer_new(void);
/* Readable from then on (monotonic), until it is set again. */
void sb__wake_timer_set(int fd, int64_t at_ns);

/* Readable while one of the two is; `b` may be -1. */
int sb__wake_set_new(int a, int b);

/* Adds one more: 0, or -1. */
int sb__wake_set_add(int set, int fd);

/* Closes what is not -1, and makes it -1. */
void sb__wake_fd_close(int *fd);

#endif
