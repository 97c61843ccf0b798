/* Composes and writes error lines, warnings and commentary. */
#include "errors.h"

#include "cli.h"
#include "commands.h"
#include "interrupt.h"
#include "progress.h"
#include "streams.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const code_names[] = {
    [CODE_ERROR] = "ERROR",
    [CODE_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [CODE_INVALID_MESSAGE_ID] = "INVALID_MESSAGE_ID",
    [CODE_INVALID_TIMESTAMP] = "INVALID_TIMESTAMP",
};

void say(const char *prefix, const char *text)
{
    struct output err;

    progress_hide();
    output_init(&err, STDERR_FILENO);
    output_text(&err, prefix);
    output_plain(&err, text, strlen(text));
    output_text(&err, "\n");
    output_flush(&err);
    output_dispose(&err);
}

static void say_json(enum error_code code, const char *text, bool retryable)
{
    struct output err;

    progress_hide();
    output_init(&err, STDERR_FILENO);
    output_text(&err, "{\"error\": \"");
    output_text(&err, code_names[code]);
    output_text(&err, "\", \"message\": ");
    output_json(&err, text, strlen(text), true);
    output_text(&err, retryable ? ", \"retryable\": true}\n" : ", \"retryable\": false}\n");
    output_flush(&err);
    output_dispose(&err);
}

static char *format_text(const char *format, va_list arguments)
{
    va_list again;
    char *text;
    int size;

    va_copy(again, arguments);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = size < 0 ? NULL : malloc((size_t)size + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)size + 1, format, arguments);
    }
    return text;
}

void usage_error(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_text(format, arguments);
    va_end(arguments);
    say(PROGRAM ": error: ", text != NULL ? text : "out of memory");
    free(text);
}

static bool report(struct cli *cli, enum error_code code, const char *text, bool retryable)
{
    if (cli->json) {
        say_json(code, text, retryable);
    } else {
        say(PROGRAM ": error: ", text);
    }
    cli->exit_code = EXIT_FAILED;
    return false;
}

/* Whether the command prints such a failure even for one who wants to have failures. */
static bool tells(const struct cli *cli, enum error_code code)
{
    const struct command *command = cli->command;

    if (code != CODE_ERROR || command == NULL) {
        return code != CODE_ERROR || cli->globals.status;
    }
    return (command->flags & COMMAND_TELLS_FAILURES) != 0 ||
           (command == &command_move && args_have(&cli->args, OPTION_ALL));
}

/* Leaves a failure, which is the thread's last error too, to who embeds the command and wants it. */
static bool leave_to_caller(struct cli *cli, enum error_code code, sb_status status)
{
    if (cli->raised == NULL || (status != SB_ECONFIG && tells(cli, code))) {
        return false;
    }
    *cli->raised = status;
    cli->exit_code = EXIT_FAILED;
    return true;
}

bool fail(struct cli *cli, enum error_code code, const char *format, ...)
{
    va_list arguments;
    const char *shown;
    char *text;

    va_start(arguments, format);
    text = format_text(format, arguments);
    va_end(arguments);
    shown = text != NULL ? text : "out of memory";
    sb_error_set(SB_EINVALID, shown, SB_NTS, -1);
    if (!leave_to_caller(cli, code, SB_EINVALID)) {
        report(cli, code, shown, false);
    }
    free(text);
    return false;
}

bool fail_interrupted(struct cli *cli)
{
    say(PROGRAM ": interrupted", "");
    cli->exit_code = EXIT_DONE;
    return false;
}

void warn(int kind, const char *text)
{
    if (!streams_warn(kind, text)) {
        say(PROGRAM ": warning: ", text);
    }
}

bool fail_last(struct cli *cli, enum error_code code)
{
    return !leave_to_caller(cli, code, sb_error_status(NULL)) && tell_last(cli, code);
}

bool tell_last(struct cli *cli, enum error_code code)
{
    sb_status status = sb_error_status(NULL);
    const char *text = sb_error_message(NULL);
    bool retryable;

    if (status == SB_CANCELLED && interrupted()) {
        return fail_interrupted(cli);
    }
    if (status == SB_ECONFIG) {
        say(PROGRAM ": ", text);
        cli->exit_code = EXIT_FAILED;
        return false;
    }
    /* The contract reports SQLite's own lock errors as not retryable. */
    retryable = sb_error_retryable(NULL) == 1 && sb_error_sqlite_code(NULL) == 0;
    return report(cli, code, text[0] != '\0' ? text : sb_status_text(status), retryable);
}

void comment(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    char *text;

    if (cli->globals.quiet) {
        return;
    }
    va_start(arguments, format);
    text = format_text(format, arguments);
    va_end(arguments);
    if (text != NULL) {
        say("", text);
    }
    free(text);
}

void on_warning(void *payload, sb_warning kind, const char *text)
{
    const struct cli *cli = payload;

    switch (kind) {
    case SB_WARN_CLOCK_SKEW:
        if (!cli->globals.quiet) {
            say("broker load: warning: ", text);
        }
        return;
    case SB_WARN_ALIAS:
        if (args_have(&cli->args, OPTION_QUIET)) {
            return;
        }
        break;
    case SB_WARN_NETWORK_FS:
    case SB_WARN_CHECKPOINT:
        if (cli->globals.quiet) {
            return;
        }
        break;
    default:
        break;
    }
    warn((int)kind, text);
}
