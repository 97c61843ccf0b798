/* Strict UTF-8: no surrogates, no overlong forms, nothing beyond U+10FFFF. */
#include "utf8.h"

#include <string.h>

size_t utf8_decode(uint32_t *out, const char *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t point;
    size_t length, i;

    if (size == 0) {
        return 0;
    }
    point = bytes[0];
    if (point < 0x80) {
        *out = point;
        return 1;
    }
    if (point < 0xc2 || point > 0xf4) {
        return 0;
    }
    length = point < 0xe0 ? 2 : point < 0xf0 ? 3 : 4;
    if (size < length) {
        return 0;
    }
    point &= 0x7fu >> length;
    for (i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (bytes[i] & 0x3fu);
    }
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    *out = point;
    return length;
}

size_t utf8_valid_length(const char *text, size_t size)
{
    size_t at = 0, step;
    uint32_t point;
    uint64_t word;

    while (at < size) {
        if (size - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        step = utf8_decode(&point, text + at, size - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at;
}
