/*
 * A growing byte string. Failure to grow is remembered instead of returned, so that a text can be
 * put together without a check after each piece.
 */
#include "str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"

static int reserve(sb__str *str, size_t more)
{
    size_t wanted;
    char *grown;

    if (str->failed || more >= SIZE_MAX / 2 - str->len) {
        str->failed = 1;
        return 0;
    }
    wanted = str->len + more + 1;
    if (wanted <= str->capacity) {
        return 1;
    }
    wanted = wanted < 64 ? 64 : wanted + wanted / 2;
    grown = sb__realloc(str->data, wanted);
    if (!grown) {
        str->failed = 1;
        return 0;
    }
    str->data = grown;
    str->capacity = wanted;
    return 1;
}

void sb__str_append(sb__str *str, const char *text, size_t len)
{
    if (reserve(str, len)) {
        if (len) {
            memcpy(str->data + str->len, text, len);
        }
        str->len += len;
        str->data[str->len] = '\0';
    }
}

void sb__str_append_text(sb__str *str, const char *text)
{
    sb__str_append(str, text, strlen(text));
}

void sb__str_append_char(sb__str *str, char c)
{
    sb__str_append(str, &c, 1);
}

void sb__str_append_format(sb__str *str, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !reserve(str, (size_t)n)) {
        str->failed = 1;
        return;
    }
    va_start(args, format);
    vsnprintf(str->data + str->len, (size_t)n + 1, format, args);
    va_end(args);
    str->len += (size_t)n;
}

void sb__str_reset(sb__str *str)
{
    str->len = 0;
    str->failed = 0;
    if (str->data) {
        str->data[0] = '\0';
    }
}

sb_status sb__str_check(const sb__str *str)
{
    return str->failed ? sb__fail_nomem() : SB_OK;
}

sb_status sb__str_take(char **out, size_t *out_len, sb__str *str)
{
    if (!str->data) {
        sb__str_append(str, "", 0);
    }
    if (str->failed) {
        sb__str_dispose(str);
        return sb__fail_nomem();
    }
    *out = str->data;
    if (out_len) {
        *out_len = str->len;
    }
    *str = (sb__str)SB__STR_INIT;
    return SB_OK;
}

void sb__str_dispose(sb__str *str)
{
    sb_free(str->data);
    *str = (sb__str)SB__STR_INIT;
}
