/*
 * The command as a function: `broker_command_run()` does in this process what the program does, on
 * streams that are the caller's. No signal handler is set, nothing is left behind, and several
 * threads may each run a command.
 */
#ifndef BROKER_CLI_EMBED_H
#define BROKER_CLI_EMBED_H

#include <simplebroker.h>
#include <stddef.h>

/* Streams by their usual numbers: 0 is the input, 1 the output, 2 the errors. */
typedef struct broker_streams {
    void *payload;
    /* Takes all bytes. 0, or an errno, after which the command writes no more to that stream. */
    int (*write)(void *payload, int stream, const char *bytes, size_t size);
    /* Up to `size` bytes of the input: their number, 0 at its end, or an errno, negated. */
    int64_t (*read)(void *payload, char *buffer, size_t size);
    int (*is_terminal)(void *payload, int stream);
    /* A warning of the command's own; NULL: written as a line of errors. */
    void (*warn)(void *payload, const char *text);
} broker_streams;

/*
 * Runs a command line, its first word the program's name. Returns the exit code: 0, 1 or 2.
 *
 * `config`: settings, which report warnings as they were told to; NULL: the environment's.
 * `target`: what the command works on, unchecked; NULL: selected by `-d`, `-f` and the directory.
 * `raised`: NULL, or takes the status of a failure that is not printed but left to the caller, with
 * the thread's error detail; SB_OK when there was none. Always printed are bad bounds and ids, what
 * the command finds itself, and failures of init, load, --status and of moving all.
 */
int broker_command_run(int argc, char **argv, sb_config *config, sb_target *target,
                       const broker_streams *streams, sb_status *raised);

#endif
