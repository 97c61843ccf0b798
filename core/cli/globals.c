/* The hand-written parser of the options before the command. */
#include "globals.h"

#include "commands.h"
#include "errors.h"

#include <stddef.h>
#include <string.h>

static const struct global_option {
    const char *name;  /* "--name" */
    const char *shown; /* as errors call it */
    char letter;
    bool takes_value;
    size_t offset; /* of its bool or text in struct globals */
} known[] = {
    {"--dir", "-d/--dir", 'd', true, offsetof(struct globals, directory)},
    {"--file", "-f/--file", 'f', true, offsetof(struct globals, file)},
    {"--quiet", "-q/--quiet", 'q', false, offsetof(struct globals, quiet)},
    {"--help", "-h/--help", 'h', false, 0},
    {"--version", "--version", 0, false, offsetof(struct globals, version)},
    {"--cleanup", "--cleanup", 0, false, offsetof(struct globals, cleanup)},
    {"--vacuum", "--vacuum", 0, false, offsetof(struct globals, vacuum)},
    {"--compact", "--compact", 0, false, offsetof(struct globals, compact)},
    {"--status", "--status", 0, false, offsetof(struct globals, status)},
};

enum { KNOWN = sizeof known / sizeof known[0] };

struct scan {
    struct globals *globals;
    char **argv;
    int argc;
    int at;
    struct tokens unknown;
};

static bool is_help(const struct global_option *option)
{
    return option->letter == 'h';
}

static void set_flag(struct globals *globals, const struct global_option *option)
{
    *(bool *)((char *)globals + option->offset) = true;
}

/* `typed` is the option as the user spelled it; `attached` its value in the same token, or NULL. */
static enum parsed set_value(struct scan *scan, const struct global_option *option,
                             const char *typed, const char *attached)
{
    const char *value = attached;

    if (value == NULL) {
        value = scan->at + 1 < scan->argc ? scan->argv[scan->at + 1] : NULL;
        if (value == NULL || value[0] == '-') {
            usage_error("option %s requires an argument", typed);
            return PARSE_FAILED;
        }
        scan->at++;
    } else if (value[0] == '\0') {
        usage_error("option %s requires an argument", typed);
        return PARSE_FAILED;
    }
    *(const char **)((char *)scan->globals + option->offset) = value;
    return PARSED;
}

static enum parsed refuse_value(const struct global_option *option, const char *value)
{
    usage_error("argument %s: ignored explicit argument '%s'", option->shown, value);
    return PARSE_FAILED;
}

static enum parsed scan_long(struct scan *scan, char *token)
{
    size_t length = strcspn(token, "=");
    const char *attached = token[length] == '=' ? token + length + 1 : NULL;
    int i;

    for (i = 0; i < KNOWN; i++) {
        const struct global_option *option = &known[i];

        if (strlen(option->name) != length || memcmp(option->name, token, length) != 0) {
            continue;
        }
        if (option->takes_value) {
            return set_value(scan, option, option->name, attached);
        }
        if (attached != NULL) {
            return refuse_value(option, attached);
        }
        if (is_help(option)) {
            return PARSED_HELP;
        }
        set_flag(scan->globals, option);
        return PARSED;
    }
    return tokens_add(&scan->unknown, token) ? PARSED : PARSE_FAILED;
}

static const struct global_option *find_letter(char letter)
{
    int i;

    for (i = 0; i < KNOWN; i++) {
        if (known[i].letter != 0 && known[i].letter == letter) {
            return &known[i];
        }
    }
    return NULL;
}

/* One or more short options in a token. */
static enum parsed scan_short(struct scan *scan, char *token)
{
    const struct global_option *before = NULL;
    const char *at;

    for (at = token + 1; *at != '\0'; at++) {
        const struct global_option *option = find_letter(*at);
        char typed[3] = {'-', *at, '\0'};

        if (option == NULL && before == NULL) {
            return tokens_add(&scan->unknown, token) ? PARSED : PARSE_FAILED;
        }
        if (option == NULL) {
            return refuse_value(before, at + (*at == '='));
        }
        if (option->takes_value) {
            at++;
            return set_value(scan, option, typed, *at == '\0' ? NULL : at + (*at == '='));
        }
        if (is_help(option)) {
            return at[1] == '\0' ? PARSED_HELP : refuse_value(option, at + 1);
        }
        set_flag(scan->globals, option);
        before = option;
    }
    return PARSED;
}

static enum parsed refuse_command(const char *token)
{
    usage_error("argument command: invalid choice: '%s' (`%s --help` lists the commands)", token,
                PROGRAM);
    return PARSE_FAILED;
}

static enum parsed scan_token(struct scan *scan, char *token)
{
    if (strcmp(token, "--") == 0) {
        if (scan->at + 1 < scan->argc) {
            return refuse_command(token);
        }
        return tokens_add(&scan->unknown, token) ? PARSED : PARSE_FAILED;
    }
    if (strncmp(token, "--", 2) == 0) {
        return scan_long(scan, token);
    }
    if (token[0] == '-' && token[1] != '\0') {
        return scan_short(scan, token);
    }
    return refuse_command(token);
}

static void drop_json(struct tokens *tokens, struct globals *globals)
{
    bool operands_only = false;
    int kept = 0, i;

    for (i = 0; i < tokens->count; i++) {
        operands_only |= strcmp(tokens->item[i], "--") == 0;
        if (!operands_only && strcmp(tokens->item[i], "--json") == 0) {
            globals->json = true;
        } else {
            tokens->item[kept++] = tokens->item[i];
        }
    }
    tokens->count = kept;
    if (tokens->item != NULL) {
        tokens->item[kept] = NULL;
    }
}

static enum parsed scan_all(struct scan *scan)
{
    struct globals *globals = scan->globals;

    for (scan->at = 1; scan->at < scan->argc; scan->at++) {
        enum parsed result;

        globals->command = command_find(scan->argv[scan->at]);
        if (globals->command != NULL) {
            break;
        }
        result = scan_token(scan, scan->argv[scan->at]);
        if (result != PARSED) {
            return result;
        }
    }
    for (; scan->at < scan->argc; scan->at++) {
        if (!tokens_add(&globals->rest, scan->argv[scan->at])) {
            return PARSE_FAILED;
        }
    }
    if (globals->status || globals->cleanup) {
        drop_json(&scan->unknown, globals);
        drop_json(&globals->rest, globals);
    }
    if (scan->unknown.count > 0) {
        tokens_report_unrecognized(&scan->unknown);
        return PARSE_FAILED;
    }
    return PARSED;
}

enum parsed globals_parse(struct globals *globals, int argc, char **argv)
{
    struct scan scan;
    enum parsed result;

    memset(globals, 0, sizeof *globals);
    memset(&scan, 0, sizeof scan);
    scan.globals = globals;
    scan.argv = argv;
    scan.argc = argc;
    result = scan_all(&scan);
    tokens_dispose(&scan.unknown);
    return result;
}

void globals_dispose(struct globals *globals)
{
    tokens_dispose(&globals->rest);
}
