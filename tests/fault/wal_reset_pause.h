/*
 * wal_reset_pause.h - a VFS for tests that stops a checkpoint where the WAL-reset race opens
 */
#ifndef WAL_RESET_PAUSE_H
#define WAL_RESET_PAUSE_H

/* Registers "pause" over the VFS called `base` (NULL: the default one). In a database file opened
 * through it, every checkpoint calls `hook` when it has read the WAL's header and not yet begun to
 * copy, provided that the header changed since the connection last read it. One per process. */
int pause_vfs_register(const char *base, void (*hook)(void));

#endif
