/*
 * An SQLite VFS that lies below the library's and fails on demand: the n-th call of a kind, or
 * one in n requests for a lock. It can also tell what of the files would be left after a power
 * cut.
 */
#ifndef SB_FAULT_FAULTY_VFS_H
#define SB_FAULT_FAULTY_VFS_H

typedef enum faulty_kind {
    FAULTY_OPEN,
    FAULTY_READ,
    FAULTY_WRITE,
    FAULTY_SYNC,
    FAULTY_TRUNCATE,
    FAULTY_SIZE,
    FAULTY_LOCK,     /* of the database file */
    FAULTY_SHM_LOCK, /* of the WAL index */
    FAULTY_SHM_MAP,
    FAULTY_DELETE,
    FAULTY_ACCESS,
    FAULTY_KINDS
} faulty_kind;

/* Registers the VFS as SQLite's default. To be called before the library's first use. */
int faulty_vfs_register(void);

/* The n-th call (from 0) of a kind answers with `code`; with `lasting` all after it do too. */
void faulty_arm(faulty_kind kind, long n, int code, int lasting);

/* No more failures; returns how many there were. */
int faulty_disarm(void);

/* One in n requests for a lock of any sort answers SQLITE_BUSY; 0: none does. */
void faulty_busy_every(unsigned n);

/* From now on remembers what is durable of a database and the files named after it. */
void faulty_watch_power(const char *path);

/*
 * Writes into `directory` what a power cut would leave at this moment: everything that has been
 * synced, and of later writes those which the bits of `seed` happen to choose (none for 0).
 */
void faulty_cut_power(const char *directory, unsigned seed);

/* Forgets what it remembered. */
void faulty_forget_power(void);

#endif
