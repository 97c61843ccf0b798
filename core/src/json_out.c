/*
 * JSON strings as Python's json.dumps() writes them. Bodies are mostly plain text, so whole spans
 * between two escapes are copied at once, and their ends are looked for eight bytes at a time.
 */
#include "json_out.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

static const uint64_t ONES = UINT64_C(0x0101010101010101);
static const uint64_t HIGHS = UINT64_C(0x8080808080808080);

static int needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Nonzero if a byte is zero. */
static uint64_t has_zero(uint64_t eight)
{
    return (eight - ONES) & ~eight & HIGHS;
}

/* Nonzero if a byte needs an escape, and at times if none does: then the bytes are looked at. */
static uint64_t may_need_escape(uint64_t eight)
{
    return ((eight - ONES * 0x20) & ~eight & HIGHS) | has_zero(eight ^ ONES * '"') |
           has_zero(eight ^ ONES * '\\');
}

static size_t plain_span(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint64_t eight;
        size_t end = len - i < sizeof eight ? len : i + sizeof eight;

        if (end - i == sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!may_need_escape(eight)) {
                i = end;
                continue;
            }
        }
        for (; i < end; i++) {
            if (needs_escape((unsigned char)text[i])) {
                return i;
            }
        }
    }
    return len;
}

static void append_unit(sb__str *out, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u'};

    text[2] = hex[unit >> 12 & 15];
    text[3] = hex[unit >> 8 & 15];
    text[4] = hex[unit >> 4 & 15];
    text[5] = hex[unit & 15];
    sb__str_append(out, text, sizeof text);
}

static void append_escape(sb__str *out, uint32_t c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; short_forms[i]; i += 2) {
        if ((unsigned char)short_forms[i] == c) {
            char text[2] = {'\\', short_forms[i + 1]};

            sb__str_append(out, text, sizeof text);
            return;
        }
    }
    if (c < 0x10000) {
        append_unit(out, c);
    } else {
        append_unit(out, 0xD800 + ((c - 0x10000) >> 10));
        append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
}

void sb__json_string(sb__str *out, const char *text, size_t len)
{
    sb__str_append_char(out, '"');
    while (len > 0) {
        size_t n = plain_span(text, len);

        sb__str_append(out, text, n);
        if (n < len) {
            append_escape(out, (unsigned char)text[n++]);
        }
        text += n;
        len -= n;
    }
    sb__str_append_char(out, '"');
}

void sb__json_string_ascii(sb__str *out, const char *text, size_t len)
{
    sb__str_append_char(out, '"');
    while (len > 0) {
        size_t n = 0;

        while (n < len && (unsigned char)text[n] < 0x7F && !needs_escape((unsigned char)text[n])) {
            n++;
        }
        sb__str_append(out, text, n);
        if (n < len) {
            uint32_t c;

            n += sb__utf8_decode(&c, text + n, len - n);
            append_escape(out, c);
        }
        text += n;
        len -= n;
    }
    sb__str_append_char(out, '"');
}
