/* Error lines, plain and as JSON. Each is written at once, so that lines never mix. */
#ifndef BROKER_CLI_ERRORS_H
#define BROKER_CLI_ERRORS_H

#include <simplebroker.h>
#include <stdbool.h>

struct cli;

/* The codes of JSON errors. */
enum error_code {
    CODE_ERROR,
    CODE_INVALID_ARGUMENT,
    CODE_INVALID_MESSAGE_ID,
    CODE_INVALID_TIMESTAMP
};

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/* A failed parse: always plain text. */
void usage_error(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * Reports a failure of the command's own, or leaves it to who embeds the command. Returns false, for
 * the caller to pass on.
 */
bool fail(struct cli *cli, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same for the library's last failure; an interruption is told as such and is no error. */
bool fail_last(struct cli *cli, enum error_code code);

/* The same, never left to anyone. */
bool tell_last(struct cli *cli, enum error_code code);

/* Ends the command after SIGINT. */
bool fail_interrupted(struct cli *cli);

/* Writes `<prefix><text>` as one line of stderr, whatever the text contains. */
void say(const char *prefix, const char *text);

/* The same with a format, unless --quiet: what is nice to know. */
void comment(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* Gives a warning: of the library's, or with kind 0 of the command's own. */
void warn(int kind, const char *text);

/* Prints the library's warnings; a callback of sb_config_on_warning(). */
void on_warning(void *payload, sb_warning kind, const char *text);

#endif
