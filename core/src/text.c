/*
 * UTF-8 and Unicode as far as the contract needs them: what a message body or an operand may hold,
 * which characters Python strips as white space, and which ones count as decimal digits.
 */
#include "text.h"

#include <string.h>

static const unsigned char *bytes_of(const char *text)
{
    return (const unsigned char *)text;
}

static int is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Length of the valid character at the beginning, 0 if there is none. */
static size_t char_length(const unsigned char *p, size_t len)
{
    unsigned char lowest = 0x80;
    unsigned char highest = 0xBF;
    size_t n;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xC2 || p[0] > 0xF4) {
        return 0;
    }
    n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len < n) {
        return 0;
    }
    /* The second byte alone tells overlong forms, surrogates and what lies above U+10FFFF. */
    switch (p[0]) {
    case 0xE0:
        lowest = 0xA0;
        break;
    case 0xED:
        highest = 0x9F;
        break;
    case 0xF0:
        lowest = 0x90;
        break;
    case 0xF4:
        highest = 0x8F;
        break;
    default:
        break;
    }
    if (p[1] < lowest || p[1] > highest) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (!is_continuation(p[i])) {
            return 0;
        }
    }
    return n;
}

size_t sb__utf8_valid_prefix(const char *text, size_t len)
{
    const unsigned char *p = bytes_of(text);
    size_t i = 0;

    while (i < len) {
        uint64_t eight;
        size_t n;

        while (len - i >= sizeof eight) {
            memcpy(&eight, p + i, sizeof eight);
            if (eight & UINT64_C(0x8080808080808080)) {
                break;
            }
            i += sizeof eight;
        }
        while (i < len && p[i] < 0x80) {
            i++;
        }
        while (i < len && p[i] >= 0x80) {
            n = char_length(p + i, len - i);
            if (n == 0) {
                return i;
            }
            i += n;
        }
    }
    return len;
}

int sb__utf8_is_valid(const char *text, size_t len)
{
    return sb__utf8_valid_prefix(text, len) == len;
}

void sb__text_repair_utf8(char *text)
{
    size_t len = strlen(text);
    size_t good = sb__utf8_valid_prefix(text, len);

    while (good < len) {
        text[good++] = '?';
        good += sb__utf8_valid_prefix(text + good, len - good);
    }
}

size_t sb__utf8_decode(uint32_t *out, const char *text, size_t len)
{
    static const unsigned char lead_mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const unsigned char *p = bytes_of(text);
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

    if (n > len || is_continuation(p[0])) {
        *out = 0xFFFD;
        return 1;
    }
    *out = p[0] & lead_mask[n];
    for (size_t i = 1; i < n; i++) {
        *out = *out << 6 | (p[i] & 0x3Fu);
    }
    return n;
}

size_t sb__utf8_count(const char *text, size_t len)
{
    const unsigned char *p = bytes_of(text);
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        count += !is_continuation(p[i]);
    }
    return count;
}

int sb__is_unicode_space(uint32_t c)
{
    if (c < 0x80) {
        return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
    }
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Zeros of all runs of ten in category Nd, Unicode 14, ascending. */
static const uint32_t digit_zeros[] = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
    0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
};

int sb__unicode_digit(uint32_t c)
{
    size_t low = 0;
    size_t high = sizeof digit_zeros / sizeof digit_zeros[0];

    if (c < 0x80) {
        return c >= '0' && c <= '9' ? (int)(c - '0') : -1;
    }
    /* The last zero that is not above the character. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (digit_zeros[middle] <= c) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return c - digit_zeros[low] < 10 ? (int)(c - digit_zeros[low]) : -1;
}

void sb__text_strip(const char **text, size_t *len)
{
    const char *begin = *text;
    const char *end = begin + *len;
    uint32_t c;

    while (begin < end) {
        size_t n = sb__utf8_decode(&c, begin, (size_t)(end - begin));

        if (!sb__is_unicode_space(c)) {
            break;
        }
        begin += n;
    }
    while (begin < end) {
        const char *last = end - 1;

        while (last > begin && is_continuation((unsigned char)*last)) {
            last--;
        }
        sb__utf8_decode(&c, last, (size_t)(end - last));
        if (!sb__is_unicode_space(c)) {
            break;
        }
        end = last;
    }
    *text = begin;
    *len = (size_t)(end - begin);
}
