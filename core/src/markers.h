/*
 * Marks on a database that tell implementations which phases of its set-up are done: extended
 * attributes, or lines in F.status where there are none. They only save work; what counts is the
 * database itself. Use while holding F.lock.
 */
#ifndef SB_MARKERS_H
#define SB_MARKERS_H

enum {
    SB__MARK_CONNECTION = 1,
    SB__MARK_SCHEMA = 2,
    SB__MARK_OPTIMIZATION = 4
};

/* The phases that are marked. */
unsigned sb__markers_get(const char *database);

/* Marks phases, those marked before included; as far as possible. */
void sb__markers_set(const char *database, unsigned phases);

/* Drops what F.status says about a database that does not exist yet. */
void sb__markers_forget_missing(const char *database);

#endif
