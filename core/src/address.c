/*
 * Server addresses as they may be shown: the password of `scheme://user:password@host`, and the
 * values of `password=` in a query or conninfo string, become "***". When in doubt it masks more.
 */
#include <string.h>

#include "error.h"
#include "str.h"
#include "target.h"

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* Where the password of a URL begins and ends; 0 if there is none. */
static int url_password(size_t *begin, size_t *end, const char *address)
{
    const char *user = strstr(address, "://");
    const char *colon;
    const char *at = NULL;

    if (!user || user == address) {
        return 0;
    }
    user += 3;
    colon = user + strcspn(user, ": \t\r\n");
    if (*colon != ':') {
        return 0;
    }
    /* A password may hold any character, '@' too: the last one before a blank ends it. */
    for (const char *p = colon + 1; *p && !is_space(*p); p++) {
        if (*p == '@') {
            at = p;
        }
    }
    if (!at) {
        return 0;
    }
    *begin = (size_t)(colon + 1 - address);
    *end = (size_t)(at - address);
    return 1;
}

static int matches_word(const char *text, const char *word)
{
    size_t i;

    for (i = 0; word[i]; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return 0;
        }
    }
    return !is_word(text[i]);
}

/* Length of "password =" with blanks, or 0. */
static size_t assignment(const char *text)
{
    size_t n = 0;

    if (matches_word(text, "password")) {
        n = strlen("password");
    } else if (matches_word(text, "sslpassword")) {
        n = strlen("sslpassword");
    } else {
        return 0;
    }
    while (is_space(text[n])) {
        n++;
    }
    if (text[n] != '=') {
        return 0;
    }
    n++;
    while (is_space(text[n])) {
        n++;
    }
    return n;
}

/* Length of a conninfo value, quoted or not, with backslash escapes. */
static size_t value_length(const char *text)
{
    int quoted = text[0] == '\'';
    size_t n = (size_t)quoted;

    while (text[n]) {
        if (text[n] == '\\' && text[n + 1]) {
            n++;
        } else if (quoted ? text[n] == '\'' : is_space(text[n])) {
            return n + (size_t)quoted;
        }
        n++;
    }
    return n;
}

sb_status sb__address_mask(char **out, int *out_found, const char *address)
{
    sb__str masked = SB__STR_INIT;
    size_t begin = 0;
    size_t end = 0;
    int has_url = url_password(&begin, &end, address);
    char before = '\0';

    *out = NULL;
    *out_found = 0;
    for (size_t i = 0; address[i];) {
        size_t name = is_word(before) ? 0 : assignment(address + i);

        if (has_url && i == begin) {
            sb__str_append_text(&masked, "***");
            *out_found = 1;
            has_url = 0;
            i = end;
        } else if (name && address[i + name]) {
            sb__str_append(&masked, address + i, name);
            sb__str_append_text(&masked, "***");
            *out_found = 1;
            i += name + value_length(address + i + name);
        } else {
            sb__str_append_char(&masked, is_space(address[i]) ? ' ' : address[i]);
            i++;
        }
        before = i ? address[i - 1] : '\0';
    }
    return sb__str_take(out, NULL, &masked);
}
