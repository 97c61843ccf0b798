/*
 * The advisory locks that implementations share: F.lock while a database is set up, F.vacuum.lock
 * while one process vacuums. They are flocks, so that a crash releases them, on files that are made
 * once, hold one NUL byte, and are never unlinked.
 */
#ifndef SB_SETUP_LOCK_H
#define SB_SETUP_LOCK_H

#include <sys/types.h>

#include "simplebroker.h"

/* Stays where it is while held. */
typedef struct sb__file_lock {
    char *path;
    int fd;
    pid_t pid; /* of the process that took it; 0 while not held */
    struct sb__file_lock *next;
} sb__file_lock;

/*
 * Takes F.lock, waiting at most 20 s or as the options say: SB_OK; SB_CANCELLED; SB_EOPERATIONAL,
 * retryable when somebody holds it, else when the file cannot be opened.
 */
sb_status sb__setup_lock_take(sb__file_lock *out, const char *database, const sb_options *options);

/* Takes F.vacuum.lock at once: SB_OK; SB_EMPTY somebody holds it; SB_EOPERATIONAL. */
sb_status sb__vacuum_lock_take(sb__file_lock *out, const char *database);

/* Releases either. In a child that inherited a held lock it does nothing to the parent's. */
void sb__file_lock_release(sb__file_lock *lock);

/* To be called before other handlers of forks are installed that wait for threads: these must not
 * wait for one that waits for ours. */
void sb__file_locks_watch_forks(void);

/* Makes F.lock if it is missing. Failure does not matter: a database can be used without it. */
void sb__setup_lock_ensure(const char *database);

#endif
