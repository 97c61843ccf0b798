/*
 * A small buffered writer over a file descriptor. stdio is not used: a closed pipe has to be
 * noticed at the very record that cannot be written, and a command should start in no time.
 * After the first failure nothing more is written; `error` keeps the reason.
 */
#ifndef BROKER_CLI_OUTPUT_H
#define BROKER_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
    int fd;
    int error; /* errno of the first failure; 0 while all is well */
    char *buffer;
    size_t used;
    size_t room;
};

void output_init(struct output *output, int fd);
void output_dispose(struct output *output);

/* Appending: true while all is well. Nothing reaches the descriptor before a flush. */
bool output_bytes(struct output *output, const char *bytes, size_t size);
bool output_text(struct output *output, const char *text);
bool output_number(struct output *output, int64_t number);
bool output_id(struct output *output, int64_t id);

/* A JSON string with its quotes; `ascii` escapes everything beyond ASCII too. */
bool output_json(struct output *output, const char *text, size_t size, bool ascii);

/* Text that stays on one line and cannot steer a terminal: controls and stray bytes are escaped. */
bool output_plain(struct output *output, const char *text, size_t size);

/* Writes what was appended. */
bool output_flush(struct output *output);

#endif
