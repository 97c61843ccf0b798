/*
 * The doorbell of a database: its F.lock, which every implementation makes and leaves alone. Who
 * waits for a queue holds a read lock on one byte far behind its end; who has committed something
 * for the queue looks whether that byte is locked and, only then, writes the file, which is an
 * event that those who wait see. So a commit that nobody waits for costs one system call.
 *
 * The locks are of the open file description kind: they are no one's but the descriptor's, work
 * between two descriptors of one process, and the kernel drops them when a process dies. The flock
 * that guards the set-up of the database is independent of them.
 */
#ifndef SB_DOORBELL_H
#define SB_DOORBELL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes for queues: byte 1 + slot. Part of the protocol between processes, as is the hash. */
enum { SB__SLOTS = 1 << 20 };

uint32_t sb__doorbell_slot(const char *queue, size_t len);

enum { SB__RINGS_KEPT = 6 };

/* The queues for which a transaction has made something pending. */
typedef struct sb__rings {
    uint32_t slots[SB__RINGS_KEPT];
    uint8_t count; /* SB__RINGS_KEPT + 1: more than fit, any queue */
    uint8_t moved; /* rows have changed place: not all that is pending is new */
} sb__rings;

void sb__rings_add(sb__rings *rings, const char *queue, size_t len);
void sb__rings_merge(sb__rings *rings, const sb__rings *more);

/* A writer's side. All zero is a bell that was never rung. */
typedef struct sb__doorbell {
    int fd_plus_1; /* 0: not open */
    dev_t device;
    ino_t inode;
    int64_t checked_ns;
} sb__doorbell;

/* Rings if somebody waits for one of the queues, after their commit. Cannot fail: who is not woken
 * by it finds the message by the change of the WAL. @locality one thread at a time */
void sb__doorbell_ring(sb__doorbell *bell, const char *database, const sb__rings *rings);

void sb__doorbell_close(sb__doorbell *bell);

/* Between a commit and the look at the lock, and between the lock and the look for the message. */
void sb__doorbell_fence(void);

/* The other side: opens F.lock, making it if it is missing; -1 if it cannot be had. */
int sb__doorbell_open(const char *path);

/* Holds the byte of one slot, or lets go of it; with SB__SLOTS those of all. 0, or -1. */
int sb__doorbell_hold(int fd, uint32_t slot);
int sb__doorbell_let_go(int fd, uint32_t slot);

#endif
