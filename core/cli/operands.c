/*
 * Tokens are copied up to the first one that begins with '-' without being an option of the
 * command; a "--" goes before that one. A "--" or help token that the user typed stays in charge.
 */
#include "operands.h"

#include "errors.h"

#include <string.h>

static char end_of_options[] = "--";

static bool begins_with_dash(const char *token)
{
    return token[0] == '-' && token[1] != '\0';
}

/* Whether one of the tokens stands before any "--". */
static bool have_before_end(int argc, char **argv, const char *first, const char *second)
{
    int i;

    for (i = 1; i < argc && strcmp(argv[i], end_of_options) != 0; i++) {
        if (strcmp(argv[i], first) == 0 || strcmp(argv[i], second) == 0) {
            return true;
        }
    }
    return false;
}

static bool have_end(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], end_of_options) == 0) {
            return true;
        }
    }
    return false;
}

static bool copy(struct tokens *out, int from, int to, char **argv)
{
    int i;

    for (i = from; i < to; i++) {
        if (!tokens_add(out, argv[i])) {
            return false;
        }
    }
    return true;
}

/* Copies everything, with a "--" before `at`. */
static bool copy_protected(struct tokens *out, int at, int argc, char **argv)
{
    return copy(out, 0, at, argv) && tokens_add(out, end_of_options) && copy(out, at, argc, argv);
}

static bool ask_for_help(struct tokens *out, char **argv)
{
    static char help[] = "--help";

    return tokens_add(out, argv[0]) && tokens_add(out, help);
}

static bool is_output_option(const char *token)
{
    return strcmp(token, "-t") == 0 || strcmp(token, "--timestamps") == 0 ||
           strcmp(token, "--json") == 0;
}

bool protect_write(struct tokens *out, int argc, char **argv)
{
    int operands = 0, i;

    if (have_before_end(argc, argv, "-h", "--help")) {
        return ask_for_help(out, argv);
    }
    if (have_end(argc, argv)) {
        return copy(out, 0, argc, argv);
    }
    for (i = 1; i < argc && operands < 2; i++) {
        if (!begins_with_dash(argv[i])) {
            operands++;
        } else if (operands == 1 || !is_output_option(argv[i])) {
            return copy_protected(out, i, argc, argv);
        }
    }
    return copy(out, 0, argc, argv);
}

/* Tokens that a selector at `argv[i]` takes; 0 when it is none. */
static int selector_tokens(const char *token)
{
    if (strcmp(token, "-p") == 0 || strcmp(token, "--pattern") == 0 ||
        strcmp(token, "--queue") == 0) {
        return 2;
    }
    return strncmp(token, "-p", 2) == 0 || strncmp(token, "--pattern=", 10) == 0 ||
           strncmp(token, "--queue=", 8) == 0;
}

/* "--pat", "--que=x" and the like: more likely a slip than a message. */
static bool is_abbreviated_selector(const char *token)
{
    size_t length = strcspn(token, "=");

    return length > 2 && (strncmp(token, "--pattern", length) == 0 ||
                          strncmp(token, "--queue", length) == 0);
}

bool protect_broadcast(struct tokens *out, int argc, char **argv)
{
    int i;

    if (have_before_end(argc, argv, "-h", "--help")) {
        return ask_for_help(out, argv);
    }
    for (i = 1; i < argc && strcmp(argv[i], end_of_options) != 0; i++) {
        if (!begins_with_dash(argv[i])) {
            continue;
        }
        if (selector_tokens(argv[i]) > 0) {
            i += selector_tokens(argv[i]) - 1;
        } else if (is_abbreviated_selector(argv[i])) {
            usage_error("unrecognized arguments: %s", argv[i]);
            return false;
        } else {
            return copy_protected(out, i, argc, argv);
        }
    }
    return copy(out, 0, argc, argv);
}
