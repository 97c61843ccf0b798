/*
 * Options and operands of a command. Each command says which of the known options it takes; the
 * parsing and the wording of its errors are the same for all.
 */
#ifndef BROKER_CLI_ARGS_H
#define BROKER_CLI_ARGS_H

#include <simplebroker.h>
#include <stdbool.h>
#include <stdint.h>

enum option_id {
    OPTION_HELP,
    OPTION_ALL,
    OPTION_JSON,
    OPTION_TIMESTAMPS,
    OPTION_MESSAGE,
    OPTION_AFTER,
    OPTION_BEFORE,
    OPTION_INCLUDE_CLAIMED,
    OPTION_PATTERN,
    OPTION_QUEUE,
    OPTION_PREFIX,
    OPTION_STATS,
    OPTION_NO_RETARGET,
    OPTION_QUIET,
    OPTION_TARGET,
    OPTION_INCLUDE,
    OPTION_EXCLUDE,
    OPTION_FORCE,
    OPTION_PEEK,
    OPTION_MOVE,
    OPTION_COUNT
};

/* Sets of options. */
#define OPTIONS(option) (UINT32_C(1) << (option))
#define OPTIONS_SELECT                                                                            \
    (OPTIONS(OPTION_ALL) | OPTIONS(OPTION_MESSAGE) | OPTIONS(OPTION_AFTER) |                       \
     OPTIONS(OPTION_BEFORE))
#define OPTIONS_FORM (OPTIONS(OPTION_JSON) | OPTIONS(OPTION_TIMESTAMPS))

enum { OPERANDS_MAX = 2 };

/* What a command accepts; --help is always accepted. */
struct grammar {
    uint32_t options;
    uint32_t exclusive;                  /* at most one of these */
    bool operand_exclusive;              /* ... or an operand, and one of them is required */
    size_t required;                     /* operands that may not be missing */
    const char *operands[OPERANDS_MAX];  /* names of all operands, as in the help */
};

struct args {
    uint32_t seen;
    const char *value[OPTION_COUNT];     /* the last one given */
    sb_strings *list[OPTION_COUNT];      /* all that were given, of options that may be repeated */
    const char *operand[OPERANDS_MAX];
    size_t operand_count;
};

/* One growing list of argument tokens. */
struct tokens {
    char **item;
    int count;
    int room;
};

enum parsed { PARSED, PARSED_HELP, PARSE_FAILED };

/* Parses argv[1] onwards; failures are reported on stderr. */
enum parsed args_parse(struct args *args, const struct grammar *grammar, int argc, char **argv);

void args_dispose(struct args *args);

bool args_have(const struct args *args, enum option_id option);

/* Appends a token and keeps the list NULL-terminated; reports when memory runs out. */
bool tokens_add(struct tokens *tokens, char *token);
void tokens_dispose(struct tokens *tokens);

/* Reports tokens that nothing can be made of. */
void tokens_report_unrecognized(const struct tokens *tokens);

#endif
