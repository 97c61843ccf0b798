/*
 * What the kernel tells about the files of a database: that the doorbell rang, that the WAL is
 * being written, that the doorbell's file is no longer what it was.
 */
#ifndef SB_FILE_EVENTS_H
#define SB_FILE_EVENTS_H

enum {
    SB__EVENT_RANG = 1,    /* something is new */
    SB__EVENT_MOVED = 2,   /* something has changed place */
    SB__EVENT_WAL = 4,     /* somebody has begun to write; told once, then the watch is gone */
    SB__EVENT_UNSURE = 8   /* the doorbell was deleted or moved, or events were lost */
};

typedef struct sb__file_events {
    int fd; /* readable when there are events; -1: closed, or not to be had on this system */
    int bell, wal; /* numbers of the watches; -1: none */
} sb__file_events;

/* SB_OK's 0; else -1 with errno. */
int sb__file_events_open(sb__file_events *events);
void sb__file_events_close(sb__file_events *events);

/* Watches a doorbell, instead of the one before. */
int sb__file_events_watch_bell(sb__file_events *events, const char *path);

/* Watches for one change of a WAL. */
int sb__file_events_watch_wal(sb__file_events *events, const char *path);

/* Takes what there is: bits of the above; 0: nothing. Never waits. */
int sb__file_events_take(sb__file_events *events);

#endif
