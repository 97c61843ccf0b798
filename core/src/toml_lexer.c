/* Places, white space, comments and strings of a TOML document. */
#include "toml_lexer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

char sb__toml_peek(const sb__toml_lexer *lexer)
{
    return lexer->at < lexer->end ? *lexer->at : '\0';
}

int sb__toml_looking_at(const sb__toml_lexer *lexer, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(lexer->end - lexer->at) >= len && memcmp(lexer->at, word, len) == 0;
}

int sb__toml_accept(sb__toml_lexer *lexer, const char *word)
{
    if (!sb__toml_looking_at(lexer, word)) {
        return 0;
    }
    lexer->at += strlen(word);
    return 1;
}

int sb__toml_accept_newline(sb__toml_lexer *lexer)
{
    return sb__toml_accept(lexer, "\n") || sb__toml_accept(lexer, "\r\n");
}

void sb__toml_skip_blanks(sb__toml_lexer *lexer)
{
    while (sb__toml_peek(lexer) == ' ' || sb__toml_peek(lexer) == '\t') {
        lexer->at++;
    }
}

int sb__toml_is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

int sb__toml_skip_comment(sb__toml_lexer *lexer)
{
    if (sb__toml_peek(lexer) != '#') {
        return 0;
    }
    while (lexer->at < lexer->end && !sb__toml_looking_at(lexer, "\n")
           && !sb__toml_looking_at(lexer, "\r\n")) {
        if (sb__toml_is_control(*lexer->at)) {
            return sb__toml_fail_at_control(lexer);
        }
        lexer->at++;
    }
    return 0;
}

int sb__toml_fail(sb__toml_lexer *lexer, const char *at, const char *message)
{
    sb__toml_error *error = lexer->error;
    const char *p;

    snprintf(error->message, sizeof(error->message), "%s", message);
    error->line = error->column = 0;
    if (at < lexer->end) {
        error->line = error->column = 1;
        for (p = lexer->start; p < at; p++) {
            if (*p == '\n') {
                error->line++;
                error->column = 1;
            } else if ((*p & 0xc0) != 0x80) {
                error->column++;
            }
        }
    }
    return SB__TOML_BAD;
}

int sb__toml_fail_at_control(sb__toml_lexer *lexer)
{
    char message[32];

    snprintf(message, sizeof(message), "Illegal character U+%04X", (unsigned char)*lexer->at);
    return sb__toml_fail(lexer, lexer->at, message);
}

static void append_utf8(sb__str *text, uint32_t c)
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    char bytes[4];
    int i;

    for (i = len - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    bytes[0] = (char)(first[len] | c);
    sb__str_append(text, bytes, (size_t)len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_code_point(sb__toml_lexer *lexer, int digits)
{
    uint32_t c = 0;

    while (digits-- > 0) {
        int value = hex_value(sb__toml_peek(lexer));

        if (value < 0) {
            return sb__toml_fail(lexer, lexer->at, "Invalid hex value");
        }
        c = c << 4 | (uint32_t)value;
        lexer->at++;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return sb__toml_fail(lexer, lexer->at, "Escaped character is not a Unicode scalar value");
    }
    append_utf8(&lexer->text, c);
    return 0;
}

/* Passes a backslash at the end of a line together with all white space that follows. */
static int accept_line_continuation(sb__toml_lexer *lexer)
{
    const char *before = lexer->at;

    sb__toml_skip_blanks(lexer);
    if (!sb__toml_accept_newline(lexer)) {
        lexer->at = before;
        return 0;
    }
    do {
        sb__toml_skip_blanks(lexer);
    } while (sb__toml_accept_newline(lexer));
    return 1;
}

static int read_escape(sb__toml_lexer *lexer, int multi_line)
{
    static const char names[] = "btnfr\"\\";
    static const char values[] = "\b\t\n\f\r\"\\";
    const char *backslash = lexer->at++;
    char c = sb__toml_peek(lexer);
    const char *name = c != '\0' ? strchr(names, c) : NULL;

    if (name != NULL) {
        sb__str_append_char(&lexer->text, values[name - names]);
        lexer->at++;
        return 0;
    }
    if (c == 'u' || c == 'U') {
        lexer->at++;
        return read_code_point(lexer, c == 'u' ? 4 : 8);
    }
    if (multi_line && accept_line_continuation(lexer)) {
        return 0;
    }
    return sb__toml_fail(lexer, backslash, "Unescaped '\\' in a string");
}

/* Passes the closing quotes if they are next. A string on several lines may end with one or two
 * quotes of its own before its three. */
static int accept_closing_quotes(sb__toml_lexer *lexer, char quote, int multi_line)
{
    const char triple[] = {quote, quote, quote, '\0'};
    int own;

    if (!multi_line) {
        return sb__toml_accept(lexer, triple + 2);
    }
    if (!sb__toml_accept(lexer, triple)) {
        return 0;
    }
    for (own = 0; own < 2 && sb__toml_accept(lexer, triple + 2); own++) {
        sb__str_append_char(&lexer->text, quote);
    }
    return 1;
}

static int read_string_body(sb__toml_lexer *lexer, char quote, int multi_line)
{
    int rc = 0;

    while (rc == 0 && !accept_closing_quotes(lexer, quote, multi_line)) {
        if (lexer->at == lexer->end) {
            return sb__toml_fail(lexer, lexer->at, "Unterminated string");
        }
        if (*lexer->at == '\\' && quote == '"') {
            rc = read_escape(lexer, multi_line);
        } else if (multi_line && sb__toml_accept_newline(lexer)) {
            sb__str_append_char(&lexer->text, '\n');
        } else if (sb__toml_is_control(*lexer->at)) {
            rc = sb__toml_fail_at_control(lexer);
        } else {
            sb__str_append_char(&lexer->text, *lexer->at++);
        }
    }
    return rc;
}

int sb__toml_read_string(sb__toml_lexer *lexer, int one_line)
{
    char quote = *lexer->at;
    int multi_line = !one_line && sb__toml_looking_at(lexer, quote == '"' ? "\"\"\"" : "'''");
    int rc;

    sb__str_reset(&lexer->text);
    lexer->at += multi_line ? 3 : 1;
    if (multi_line) {
        sb__toml_accept_newline(lexer);
    }
    rc = read_string_body(lexer, quote, multi_line);
    sb__str_append(&lexer->text, "", 0);
    return rc == 0 && lexer->text.failed ? SB__TOML_NO_MEMORY : rc;
}
