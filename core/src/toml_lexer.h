/* The words of a TOML document: strings, numbers, dates, and where an error is. */
#ifndef SB_TOML_LEXER_H
#define SB_TOML_LEXER_H

#include <stddef.h>

#include "str.h"
#include "toml.h"

/* The text is valid UTF-8, so that only ASCII needs to be looked at. */
typedef struct sb__toml_lexer {
    const char *start;
    const char *at;
    const char *end;
    sb__str text; /* the last string or date */
    sb__toml_error *error;
} sb__toml_lexer;

/* The next byte, or 0 at the end; a NUL in the document is nowhere valid. */
char sb__toml_peek(const sb__toml_lexer *lexer);

/* Whether the text goes on with `word`. */
int sb__toml_looking_at(const sb__toml_lexer *lexer, const char *word);

/* Passes `word` and returns 1 if the text goes on with it. */
int sb__toml_accept(sb__toml_lexer *lexer, const char *word);

/* Passes a line feed, or a carriage return and a line feed, and returns 1 if one is next. */
int sb__toml_accept_newline(sb__toml_lexer *lexer);

/* Passes spaces and tabs. */
void sb__toml_skip_blanks(sb__toml_lexer *lexer);

/* Passes a comment, up to the end of its line, if one is next. */
int sb__toml_skip_comment(sb__toml_lexer *lexer);

/* Sets the error to the place `at` in the document and returns SB__TOML_BAD. */
int sb__toml_fail(sb__toml_lexer *lexer, const char *at, const char *message);

/* Sets the error for a control character at the current place. */
int sb__toml_fail_at_control(sb__toml_lexer *lexer);

int sb__toml_is_control(char c);

/* Decodes the string that begins here into `text`; with `one_line` the triple quotes have no
 * meaning of their own. */
int sb__toml_read_string(sb__toml_lexer *lexer, int one_line);

/* Reads a string, boolean, number, date or time. */
int sb__toml_read_scalar(sb__toml_lexer *lexer, sb__toml_value *out);

#endif
