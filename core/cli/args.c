/*
 * A wrapper around getopt_long. Tokens are taken in order, because an unknown option and the
 * operands around it are reported together and as they were typed.
 */
#include "args.h"

#include "errors.h"

#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_BASE = 256, LONGS_MAX = OPTION_COUNT + 2, SHORTS_MAX = 3 + 2 * OPTION_COUNT };

static const struct spec {
    const char *name;
    const char *shown; /* as errors call it */
    char letter;
    bool takes_value;
    bool repeats;
} specs[OPTION_COUNT] = {
    [OPTION_HELP] = {"help", "-h/--help", 'h', false, false},
    [OPTION_ALL] = {"all", "--all", 0, false, false},
    [OPTION_JSON] = {"json", "--json", 0, false, false},
    [OPTION_TIMESTAMPS] = {"timestamps", "-t/--timestamps", 't', false, false},
    [OPTION_MESSAGE] = {"message", "-m/--message", 'm', true, false},
    [OPTION_AFTER] = {"after", "--after", 0, true, false},
    [OPTION_BEFORE] = {"before", "--before", 0, true, false},
    [OPTION_INCLUDE_CLAIMED] = {"include-claimed", "--include-claimed", 0, false, false},
    [OPTION_PATTERN] = {"pattern", "-p/--pattern", 'p', true, false},
    [OPTION_QUEUE] = {"queue", "--queue", 0, true, true},
    [OPTION_PREFIX] = {"prefix", "--prefix", 0, true, false},
    [OPTION_STATS] = {"stats", "--stats", 0, false, false},
    [OPTION_NO_RETARGET] = {"no-retarget-aliases", "--no-retarget-aliases", 0, false, false},
    [OPTION_QUIET] = {"quiet", "-q/--quiet", 'q', false, false},
    [OPTION_TARGET] = {"target", "--target", 0, true, false},
    [OPTION_INCLUDE] = {"include", "--include", 0, true, true},
    [OPTION_EXCLUDE] = {"exclude", "--exclude", 0, true, true},
    [OPTION_FORCE] = {"force", "--force", 0, false, false},
    [OPTION_PEEK] = {"peek", "--peek", 0, false, false},
    [OPTION_MOVE] = {"move", "--move", 0, true, false},
};

/* getopt_long has one state for all threads of those who embed the command. */
static pthread_mutex_t parsing = PTHREAD_MUTEX_INITIALIZER;

struct parser {
    const struct grammar *grammar;
    struct args *args;
    struct option longs[LONGS_MAX];
    char shorts[SHORTS_MAX];
    struct tokens unknown;
    int last_unknown; /* index of the token reported last: a cluster of letters counts once */
};

bool tokens_add(struct tokens *tokens, char *token)
{
    if (tokens->count + 1 >= tokens->room) {
        int room = tokens->room ? tokens->room * 2 : 16;
        char **grown = realloc(tokens->item, (size_t)room * sizeof *grown);

        if (grown == NULL) {
            usage_error("out of memory");
            return false;
        }
        tokens->item = grown;
        tokens->room = room;
    }
    tokens->item[tokens->count++] = token;
    tokens->item[tokens->count] = NULL;
    return true;
}

void tokens_dispose(struct tokens *tokens)
{
    free(tokens->item);
    memset(tokens, 0, sizeof *tokens);
}

void tokens_report_unrecognized(const struct tokens *tokens)
{
    size_t size = 1;
    char *all;
    int i;

    for (i = 0; i < tokens->count; i++) {
        size += strlen(tokens->item[i]) + 1;
    }
    all = malloc(size);
    if (all == NULL) {
        usage_error("unrecognized arguments: %s", tokens->item[0]);
        return;
    }
    all[0] = '\0';
    for (i = 0, size = 0; i < tokens->count; i++) {
        size_t length = strlen(tokens->item[i]);

        if (i > 0) {
            all[size++] = ' ';
        }
        memcpy(all + size, tokens->item[i], length + 1);
        size += length;
    }
    usage_error("unrecognized arguments: %s", all);
    free(all);
}

bool args_have(const struct args *args, enum option_id option)
{
    return (args->seen & OPTIONS(option)) != 0;
}

void args_dispose(struct args *args)
{
    int i;

    for (i = 0; i < OPTION_COUNT; i++) {
        sb_strings_free(args->list[i]);
    }
    memset(args, 0, sizeof *args);
}

/* "-5" and "-0.5" are values, as is anything with a blank in it. */
static bool looks_like_option(const char *token)
{
    const char *rest = token + 1;

    if (token[0] != '-' || token[1] == '\0' || strchr(token, ' ') != NULL) {
        return false;
    }
    rest += strspn(rest, "0123456789");
    if (*rest == '.') {
        rest++;
        return strspn(rest, "0123456789") == 0 || rest[strspn(rest, "0123456789")] != '\0';
    }
    return *rest != '\0';
}

static void describe_options(struct parser *parser)
{
    uint32_t accepted = parser->grammar->options | OPTIONS(OPTION_HELP);
    struct option *out = parser->longs;
    char *letter = parser->shorts;
    int i;

    *letter++ = '-'; /* tokens in order */
    *letter++ = ':'; /* a missing value is told apart from an unknown option */
    for (i = 0; i < OPTION_COUNT; i++) {
        int has_value = specs[i].takes_value ? required_argument : no_argument;

        if ((accepted & OPTIONS(i)) == 0) {
            continue;
        }
        *out++ = (struct option){specs[i].name, has_value, NULL, LONG_BASE + i};
        if (i == OPTION_AFTER) {
            *out++ = (struct option){"since", has_value, NULL, LONG_BASE + i};
        }
        if (specs[i].letter != 0) {
            *letter++ = specs[i].letter;
            if (specs[i].takes_value) {
                *letter++ = ':';
            }
        }
    }
    *out = (struct option){NULL, 0, NULL, 0};
    *letter = '\0';
}

static enum option_id option_of(int code)
{
    int i;

    if (code >= LONG_BASE) {
        return (enum option_id)(code - LONG_BASE);
    }
    for (i = 0; i < OPTION_COUNT; i++) {
        if (specs[i].letter == code) {
            return (enum option_id)i;
        }
    }
    return OPTION_COUNT;
}

static bool take_operand(struct parser *parser, char *token)
{
    const struct grammar *grammar = parser->grammar;
    struct args *args = parser->args;
    size_t known = 0;
    int i;

    while (known < OPERANDS_MAX && grammar->operands[known] != NULL) {
        known++;
    }
    if (args->operand_count == known) {
        return tokens_add(&parser->unknown, token);
    }
    for (i = 0; grammar->operand_exclusive && i < OPTION_COUNT; i++) {
        if ((args->seen & grammar->exclusive & OPTIONS(i)) != 0) {
            usage_error("argument %s: not allowed with argument %s", grammar->operands[0],
                        specs[i].shown);
            return false;
        }
    }
    args->operand[args->operand_count++] = token;
    return true;
}

static bool check_exclusive(const struct parser *parser, enum option_id option)
{
    const struct grammar *grammar = parser->grammar;
    uint32_t others = parser->args->seen & grammar->exclusive & ~OPTIONS(option);
    int i;

    if ((grammar->exclusive & OPTIONS(option)) == 0) {
        return true;
    }
    for (i = 0; i < OPTION_COUNT; i++) {
        if ((others & OPTIONS(i)) != 0) {
            usage_error("argument %s: not allowed with argument %s", specs[option].shown,
                        specs[i].shown);
            return false;
        }
    }
    if (grammar->operand_exclusive && parser->args->operand_count > 0) {
        usage_error("argument %s: not allowed with argument %s", specs[option].shown,
                    grammar->operands[0]);
        return false;
    }
    return true;
}

static bool take_option(struct parser *parser, enum option_id option, const char *token)
{
    struct args *args = parser->args;
    const char *value = optarg;

    if (!check_exclusive(parser, option)) {
        return false;
    }
    args->seen |= OPTIONS(option);
    if (!specs[option].takes_value) {
        return true;
    }
    if (value < token || value > token + strlen(token)) {
        if (looks_like_option(value)) {
            usage_error("argument %s: expected one argument", specs[option].shown);
            return false;
        }
    } else if (token[1] != '-' && value[0] == '=') {
        value++;
    }
    args->value[option] = value;
    if (!specs[option].repeats) {
        return true;
    }
    if (args->list[option] == NULL) {
        args->list[option] = sb_strings_new();
    }
    if (args->list[option] == NULL || sb_strings_add(args->list[option], value, SB_NTS)) {
        usage_error("out of memory");
        return false;
    }
    return true;
}

static bool is_ambiguous(const struct parser *parser, const char *token)
{
    size_t length = strcspn(token + 2, "=");
    int matches = 0, i;

    for (i = 0; parser->longs[i].name != NULL; i++) {
        matches += strncmp(parser->longs[i].name, token + 2, length) == 0;
    }
    return matches > 1;
}

static bool take_unknown(struct parser *parser, char *token, int at)
{
    if (strncmp(token, "--", 2) == 0) {
        if (optopt >= LONG_BASE) {
            usage_error("argument %s: ignored explicit argument '%s'",
                        specs[option_of(optopt)].shown, token + strcspn(token, "=") + 1);
            return false;
        }
        if (is_ambiguous(parser, token)) {
            usage_error("ambiguous option: %s", token);
            return false;
        }
    }
    if (at == parser->last_unknown) {
        return true;
    }
    parser->last_unknown = at;
    if (!looks_like_option(token)) {
        return take_operand(parser, token);
    }
    return tokens_add(&parser->unknown, token);
}

static bool check_operands(const struct parser *parser)
{
    const struct grammar *grammar = parser->grammar;
    const struct args *args = parser->args;
    size_t given = args->operand_count;

    if (grammar->operand_exclusive && given == 0 && (args->seen & grammar->exclusive) == 0) {
        usage_error("one of the arguments %s --all is required", grammar->operands[0]);
        return false;
    }
    if (given < grammar->required) {
        bool two = grammar->required - given == 2;

        usage_error("the following arguments are required: %s%s%s", grammar->operands[given],
                    two ? ", " : "", two ? grammar->operands[given + 1] : "");
        return false;
    }
    if (parser->unknown.count > 0) {
        tokens_report_unrecognized(&parser->unknown);
        return false;
    }
    return true;
}

/* From the first token again, whatever the last parsing left behind. */
static void restart_getopt(void)
{
#ifdef __APPLE__
    optreset = 1;
    optind = 1;
#else
    optind = 0;
#endif
    opterr = 0;
}

static enum parsed parse_tokens(struct parser *parser, int argc, char **argv)
{
    restart_getopt();
    for (;;) {
        int at = optind > 0 ? optind : 1;
        int code = getopt_long(argc, argv, parser->shorts, parser->longs, NULL);
        bool good = true;

        if (code == -1) {
            break;
        } else if (code == 1) {
            good = take_operand(parser, optarg);
        } else if (code == ':') {
            usage_error("argument %s: expected one argument", specs[option_of(optopt)].shown);
            good = false;
        } else if (code == '?') {
            good = take_unknown(parser, argv[at], at);
        } else if (option_of(code) == OPTION_HELP) {
            return PARSED_HELP;
        } else {
            good = take_option(parser, option_of(code), argv[at]);
        }
        if (!good) {
            return PARSE_FAILED;
        }
    }
    for (; optind < argc; optind++) {
        if (!take_operand(parser, argv[optind])) {
            return PARSE_FAILED;
        }
    }
    return check_operands(parser) ? PARSED : PARSE_FAILED;
}

enum parsed args_parse(struct args *args, const struct grammar *grammar, int argc, char **argv)
{
    struct parser parser;
    enum parsed result;

    memset(&parser, 0, sizeof parser);
    memset(args, 0, sizeof *args);
    parser.grammar = grammar;
    parser.args = args;
    describe_options(&parser);
    pthread_mutex_lock(&parsing);
    result = parse_tokens(&parser, argc, argv);
    pthread_mutex_unlock(&parsing);
    tokens_dispose(&parser.unknown);
    return result;
}
