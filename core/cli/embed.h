/*
 * The command as a function: `broker_command_run()` does in this process what the program does, on
 * streams that are the caller's. No signal handler is set, nothing is left behind, and several
 * threads may each run a command.
 */
#ifndef BROKER_CLI_EMBED_H
#define BROKER_CLI_EMBED_H

#include <simplebroker.h>
#include <stddef.h>
#include <stdint.h>

/* What `watch` asks its host to do until it is stopped. All is borrowed for the time of the call. */
typedef struct broker_watch {
    const sb_target *target;
    const char *queue;   /* aliases are resolved, the name is not checked */
    const char *move_to; /* where messages are moved to; NULL: they are not */
    int peek;            /* messages are shown only */
    int64_t after;       /* only ids above this one; -1: no bound */
    void *printer;
} broker_watch;

/*
 * What the command needs of who embeds it. Streams go by their usual numbers: 0 is the input, 1 the
 * output, 2 the errors. All is called on the thread that runs the command.
 */
typedef struct broker_host {
    void *payload;
    /* Takes all bytes. 0, or an errno, after which the command writes no more to that stream. */
    int (*write)(void *payload, int stream, const char *bytes, size_t size);
    /* Up to `size` bytes of the input: their number, 0 at its end, or an errno, negated. */
    int64_t (*read)(void *payload, char *buffer, size_t size);
    int (*is_terminal)(void *payload, int stream);
    /* A warning of the library's, or with kind 0 of the command's own; NULL: a line of errors. */
    void (*warn)(void *payload, int kind, const char *text);
    /* Asked while the command waits for a lock or works for long: not 0 ends it. May be NULL. */
    int (*stop)(void *payload);
    /* Watches a queue and gives messages to broker_watch_print(); NULL: `watch` is not known. */
    sb_status (*watch)(void *payload, const broker_watch *watch);
} broker_host;

/*
 * Runs a command line, its first word the program's name. Returns the exit code: 0, 1 or 2.
 *
 * `config`: settings; NULL: the environment's.
 * `target`: what the command works on, unchecked; NULL: selected by `-d`, `-f` and the directory.
 * `raised`: NULL, or takes the status of a failure that is not printed but left to the caller, with
 * the thread's error detail; SB_OK when there was none. Always printed are mistakes in the command
 * line, bad bounds and ids, and failures of init, load, --status, watching and of moving all.
 */
int broker_command_run(int argc, char **argv, const sb_config *config, sb_target *target,
                       const broker_host *host, sb_status *raised);

/* Prints a message in the form that was asked for. 0, or an errno: nothing more can be printed. */
int broker_watch_print(const broker_watch *watch, int64_t id, const char *body, size_t size);

#endif
