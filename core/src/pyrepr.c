/*
 * Python's repr() and str(). What is printable follows Unicode's categories: controls,
 * formats, separators, surrogates, private use and noncharacters are escaped. Single code points
 * that Unicode has not assigned yet are shown, since that changes from version to version.
 */
#include "pyrepr.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "pynum.h"
#include "text.h"

typedef struct range {
    uint32_t first;
    uint32_t last;
} range;

static const range unprintable[] = {
    {0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},         {0x600, 0x605},
    {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},       {0x890, 0x891},
    {0x8E2, 0x8E2},     {0x1680, 0x1680},   {0x180E, 0x180E},     {0x2000, 0x200F},
    {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},     {0xD800, 0xF8FF},
    {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},     {0xFFFE, 0xFFFF},
    {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},   {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF},   {0x323B0, 0xE00FF},
    {0xE01F0, UINT32_MAX}};

static int is_printable(uint32_t c)
{
    if (c < 0x7F) {
        return c >= 0x20;
    }
    for (size_t i = 0; i < sizeof unprintable / sizeof unprintable[0]; i++) {
        if (c <= unprintable[i].last) {
            return c < unprintable[i].first;
        }
    }
    return 1;
}

/* One character of a text that may be broken: an invalid byte becomes Python's lone surrogate. */
static size_t next_char(uint32_t *out, const char *text, size_t len)
{
    if (sb__utf8_valid_prefix(text, len < 4 ? len : 4) == 0) {
        *out = 0xDC00u + (unsigned char)*text;
        return 1;
    }
    return sb__utf8_decode(out, text, len);
}

static void append_escape(sb__str *out, uint32_t c)
{
    switch (c) {
    case '\n':
        sb__str_append_text(out, "\\n");
        break;
    case '\r':
        sb__str_append_text(out, "\\r");
        break;
    case '\t':
        sb__str_append_text(out, "\\t");
        break;
    default:
        sb__str_append_format(out, c < 0x100 ? "\\x%02" PRIx32 : c < 0x10000 ? "\\u%04" PRIx32
                                                                             : "\\U%08" PRIx32, c);
    }
}

static char quote_for(const char *text, size_t len)
{
    return len && memchr(text, '\'', len) && !memchr(text, '"', len) ? '"' : '\'';
}

void sb__py_repr_text(sb__str *out, const char *text, size_t len)
{
    char quote = quote_for(text, len);
    uint32_t c;

    sb__str_append_char(out, quote);
    for (size_t i = 0; i < len;) {
        size_t n = next_char(&c, text + i, len - i);

        if (c == '\\' || c == (unsigned char)quote) {
            sb__str_append_char(out, '\\');
            sb__str_append_char(out, (char)c);
        } else if (is_printable(c)) {
            sb__str_append(out, text + i, n);
        } else {
            append_escape(out, c);
        }
        i += n;
    }
    sb__str_append_char(out, quote);
}

void sb__text_one_line(sb__str *out, const char *text, size_t len)
{
    uint32_t c;

    for (size_t i = 0; i < len;) {
        size_t n = next_char(&c, text + i, len - i);

        if (is_printable(c)) {
            sb__str_append(out, text + i, n);
        } else {
            append_escape(out, c);
        }
        i += n;
    }
}

static void repr_bytes(sb__str *out, const char *bytes, size_t len)
{
    char quote = quote_for(bytes, len);

    sb__str_append_char(out, 'b');
    sb__str_append_char(out, quote);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == '\\' || bytes[i] == quote) {
            sb__str_append_char(out, '\\');
            sb__str_append_char(out, bytes[i]);
        } else if (c >= 0x20 && c < 0x7F) {
            sb__str_append_char(out, bytes[i]);
        } else {
            append_escape(out, c);
        }
    }
    sb__str_append_char(out, quote);
}

void sb__py_repr(sb__str *out, const sb__value *value)
{
    if (value->type == SB_TEXT) {
        sb__py_repr_text(out, value->data, value->len);
    } else {
        sb__py_str(out, value);
    }
}

void sb__py_str(sb__str *out, const sb__value *value)
{
    char number[SB__PY_FLOAT_SIZE];

    switch (value->type) {
    case SB_INT64:
        sb__str_append_format(out, "%" PRId64, value->as.integer);
        break;
    case SB_BOOL:
        sb__str_append_text(out, value->as.integer ? "True" : "False");
        break;
    case SB_DOUBLE:
        sb__str_append(out, number, sb__py_float_repr(number, value->as.number));
        break;
    case SB_TEXT:
        sb__str_append(out, value->data, value->len);
        break;
    case SB_BLOB:
        repr_bytes(out, value->data, value->len);
        break;
    default:
        sb__str_append_text(out, "None");
    }
}

void sb__text_ellipsis(sb__str *text, size_t max)
{
    size_t count = 0;
    size_t cut = 0;
    uint32_t c;

    if (text->len <= max) {
        return;
    }
    for (size_t i = 0; i < text->len; count++) {
        if (count == max - 3) {
            cut = i;
        }
        i += next_char(&c, text->data + i, text->len - i);
    }
    if (count > max) {
        text->len = cut;
        text->data[cut] = '\0';
        sb__str_append_text(text, "...");
    }
}
