/*
 * One redrawn line on stderr for work that takes longer than a second, when that is a terminal and
 * --quiet was not given. The line is erased at the end. Embedded, the host is asked instead whether
 * the work is to go on.
 */
#ifndef BROKER_CLI_PROGRESS_H
#define BROKER_CLI_PROGRESS_H

#include <simplebroker.h>
#include <stdbool.h>
#include <stdint.h>

struct cli;

struct progress {
    const char *label;
    bool allowed;
    int width;        /* of the line that stands there; 0: none */
    int64_t next_ns;  /* when to draw, or to ask, again */
    sb_cancel *asked; /* to be thrown when the host wants the end; NULL: there is no host */
};

/* `useful` is false where the output itself shows the progress. */
void progress_start(struct progress *progress, const struct cli *cli, const char *label,
                    bool useful);

/* `total` is -1 while unknown; then a number of messages is shown, otherwise a share. */
void progress_step(struct progress *progress, int64_t done, int64_t total);

void progress_end(struct progress *progress);

/* Erases the line that stands there, before something else is written to stderr. */
void progress_hide(void);

/* progress_step() as an sb_progress_fn. */
int progress_callback(void *payload, int64_t done, int64_t total);

#endif
