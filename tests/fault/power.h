/*
 * What of each file is durable: its bytes at the last sync, and the writes since.
 */
#ifndef SB_FAULT_POWER_H
#define SB_FAULT_POWER_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct power_file power_file;

/* NULL unless power is watched. */
power_file *power_open(const char *name);
void power_note_write(power_file *file, const void *bytes, size_t size, size_t at);
void power_note_sync(power_file *file, sqlite3_file *real);
void power_note_delete(const char *name);

#endif
