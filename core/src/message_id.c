/*
 * Texts of message ids and of bounds. A bound may be a date, seconds, milliseconds, nanoseconds or
 * an id; the forms overlap, so the order in which they are tried is part of the contract.
 */
#include "message_id.h"

#include <string.h>

#include "error.h"
#include "iso8601.h"
#include "str.h"
#include "text.h"

/* From here on a bare number is an id, below it a time. */
static const uint64_t first_native_id = UINT64_C(1) << 44;

/* Python refuses to convert more digits than these. */
enum { DIGITS_MAX = 4300 };

/* How much of a refused text a message quotes; the message is cut by itself if it is too long. */
enum { QUOTED_MAX = 2000 };

#define ADVICE                                                                                     \
    "timestamp bounds require integral seconds. For finer granularity, use integer ms, "           \
    "integer ns, or a native hybrid message ID."

static sb_status fail_plain(const char *text, size_t len)
{
    return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: %.*s",
                    (int)(len < QUOTED_MAX ? len : QUOTED_MAX), text);
}

static sb_status fail_with_advice(const char *text, size_t len)
{
    return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: %.*s; " ADVICE,
                    (int)(len < QUOTED_MAX ? len : QUOTED_MAX), text);
}

static sb_status fail_inexact(const char *text, size_t len)
{
    (void)text;
    (void)len;
    return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: exact mode requires exactly 19 digits");
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Stores a number of units that is scaled to ns; 0 if it reaches 2^63. */
static int scale(int64_t *out, uint64_t value, uint64_t factor)
{
    if (value > (uint64_t)INT64_MAX / factor) {
        return 0;
    }
    *out = (int64_t)(value * factor) & ~(int64_t)SB__ID_COUNTER_MASK;
    return 1;
}

/* Reads digits; a number beyond 64 bits becomes UINT64_MAX. */
static uint64_t number_of(const char *digits, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');

        if (value > (UINT64_MAX - digit) / 10) {
            return UINT64_MAX;
        }
        value = value * 10 + digit;
    }
    return value;
}

static int all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return 0;
        }
    }
    return len > 0;
}

static size_t skip_digits(const char *text, size_t len, size_t i)
{
    while (i < len && is_digit(text[i])) {
        i++;
    }
    return i;
}

/* A number with an exponent, optionally signed, optionally with a unit. */
static int is_scientific(const char *text, size_t len)
{
    size_t i = len > 0 && (text[0] == '+' || text[0] == '-');
    size_t whole = skip_digits(text, len, i) - i;
    size_t decimals = 0;
    size_t begin;

    i += whole;
    if (i < len && text[i] == '.') {
        begin = i + 1;
        i = skip_digits(text, len, begin);
        decimals = i - begin;
    }
    if (whole + decimals == 0 || i >= len || (text[i] != 'e' && text[i] != 'E')) {
        return 0;
    }
    i++;
    if (i < len && (text[i] == '+' || text[i] == '-')) {
        i++;
    }
    begin = i;
    i = skip_digits(text, len, i);
    if (i == begin) {
        return 0;
    }
    return i == len || (len - i == 1 && text[i] == 's') ||
           (len - i == 2 && (text[i] == 'm' || text[i] == 'n') && text[i + 1] == 's');
}

/* Length of the unit at the end, 0 if there is none; the unit in ns. */
static size_t find_unit(uint64_t *factor, const char *text, size_t len)
{
    if (len < 2 || text[len - 1] != 's') {
        return 0;
    }
    if (text[len - 2] == 'n') {
        *factor = 1;
        return 2;
    }
    if (text[len - 2] == 'm') {
        *factor = 1000000;
        return 2;
    }
    *factor = 1000000000;
    return is_digit(text[len - 2]) ? 1 : 0;
}

/* Whether a time of day with a fraction may be in the text: that is never a bound. */
static int has_fraction(const char *text, size_t len)
{
    int in_time = 0;

    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] == 'T' || text[i] == 't' || text[i] == ' ') {
            in_time = 1;
        } else if (in_time && (text[i] == '.' || text[i] == ',') && is_digit(text[i + 1])) {
            return 1;
        }
    }
    return 0;
}

static int looks_like_date(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("-TtZz", text[i]) && text[i]) {
            return 1;
        }
    }
    return len == 8 && all_digits(text, len);
}

/*
 * Through floating point, as in Python's timestamp(): beyond some 4.6e9 seconds, and with a
 * fraction, the nanoseconds are rounded to what a double holds.
 */
static int id_of_instant(int64_t *out, const sb__instant *instant)
{
    double seconds = (double)instant->seconds;
    double ns;

    if (instant->microseconds) {
        seconds = instant->seconds < (INT64_C(1) << 53) / 1000000
                      ? (double)(instant->seconds * 1000000 + instant->microseconds) / 1e6
                      : seconds + instant->microseconds / 1e6;
    }
    ns = seconds * 1e9;
    if (ns >= 9223372036854775808.0) {
        return 0;
    }
    *out = (int64_t)ns & ~(int64_t)SB__ID_COUNTER_MASK;
    return 1;
}

/* SB_EMPTY if the text is no date. */
static sb_status parse_date(int64_t *out, const char *text, size_t len)
{
    sb__str spelled = SB__STR_INIT;
    sb__instant instant;
    sb_status status = SB_EMPTY;
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == 'Z') {
            sb__str_append(&spelled, text + from, i - from);
            sb__str_append_text(&spelled, "+00:00");
            from = i + 1;
        }
    }
    sb__str_append(&spelled, text + from, len - from);
    if ((status = sb__str_check(&spelled)) != SB_OK) {
        goto out;
    }
    if (!sb__iso8601_parse(&instant, spelled.data, spelled.len)) {
        status = SB_EMPTY;
    } else if (instant.seconds < 0) {
        *out = 0;
    } else if (!id_of_instant(out, &instant)) {
        status = sb__fail(SB_ETIMESTAMP, "Invalid timestamp: too far in future");
    }

out:
    sb__str_dispose(&spelled);
    return status;
}

static sb_status parse_number(int64_t *out, const char *text, size_t len)
{
    uint64_t value = number_of(text, len);
    size_t zeros = 0;

    if (value >= first_native_id) {
        if (value > INT64_MAX) {
            return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: exceeds maximum value");
        }
        *out = (int64_t)value;
        return SB_OK;
    }
    while (zeros < len && text[zeros] == '0') {
        zeros++;
    }
    if (!scale(out, value, len - zeros < 12 ? 1000000000 : 1000000)) {
        return fail_plain(text, len);
    }
    return SB_OK;
}

/* `text` is stripped, its digits are ASCII. */
static sb_status parse_folded(int64_t *out, const char *text, size_t len)
{
    uint64_t factor;
    size_t unit;
    sb_status status;

    if (is_scientific(text, len)) {
        return sb__fail(SB_ETIMESTAMP,
                        "Invalid timestamp: scientific notation not supported; " ADVICE);
    }
    unit = find_unit(&factor, text, len);
    if (unit > 0) {
        if (!all_digits(text, len - unit)) {
            return fail_with_advice(text, len);
        }
        if (len - unit > DIGITS_MAX) {
            return fail_plain(text, len);
        }
        if (!scale(out, number_of(text, len - unit), factor)) {
            return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: too far in future");
        }
        return SB_OK;
    }
    if (looks_like_date(text, len)) {
        if (has_fraction(text, len)) {
            return fail_with_advice(text, len);
        }
        status = parse_date(out, text, len);
        if (status != SB_EMPTY) {
            return status;
        }
    }
    if (len > DIGITS_MAX || !all_digits(text, len)) {
        return fail_with_advice(text, len);
    }
    return parse_number(out, text, len);
}

/* Strips a text and turns its decimal digits to ASCII. */
static sb_status fold(sb__str *out, const char *text, size_t len)
{
    size_t from = 0;
    size_t n;

    sb__text_strip(&text, &len);
    for (size_t i = 0; i < len; i += n) {
        uint32_t c;
        int digit;

        n = sb__utf8_decode(&c, text + i, len - i);
        digit = n > 1 ? sb__unicode_digit(c) : -1;
        if (digit >= 0) {
            sb__str_append(out, text + from, i - from);
            sb__str_append_char(out, (char)('0' + digit));
            from = i + n;
        }
    }
    sb__str_append(out, text + from, len - from);
    return sb__str_check(out);
}

static sb_status parse_exact(int64_t *out, const char *text, size_t len)
{
    uint64_t value = number_of(text, len);

    if (len != SB_ID_DIGITS || !all_digits(text, len)) {
        return fail_inexact(text, len);
    }
    if (value > INT64_MAX) {
        return sb__fail(SB_ETIMESTAMP, "Invalid timestamp: exceeds maximum value");
    }
    *out = (int64_t)value;
    return SB_OK;
}

/* Refuses with `fail` what is not UTF-8, and leaves the rest, stripped and folded, to `parse`. */
static sb_status parse_text(int64_t *out, const char *text, size_t len,
                            sb_status (*parse)(int64_t *out, const char *text, size_t len),
                            sb_status (*fail)(const char *text, size_t len))
{
    sb__str folded = SB__STR_INIT;
    int64_t unwanted;
    sb_status status;

    sb__error_clear();
    if (!text) {
        return sb__fail(SB_EINVALID, "text must not be NULL");
    }
    if (len == (size_t)SB_NTS) {
        len = strlen(text);
    }
    if (!sb__utf8_is_valid(text, len)) {
        return fail(text, len);
    }
    status = fold(&folded, text, len);
    if (status == SB_OK) {
        status = folded.len == 0 ? sb__fail(SB_ETIMESTAMP, "Invalid timestamp: empty string")
                                 : parse(out ? out : &unwanted, folded.data, folded.len);
    }
    sb__str_dispose(&folded);
    return status;
}

sb_status sb_bound_parse(int64_t *out, const char *text, size_t text_len)
{
    return parse_text(out, text, text_len, parse_folded, fail_with_advice);
}

sb_status sb_timestamp_parse_exact(int64_t *out, const char *text, size_t text_len)
{
    return parse_text(out, text, text_len, parse_exact, fail_inexact);
}

int sb__id_read(int64_t *out, const char *text, size_t len)
{
    uint64_t value = 0;
    size_t n;

    /* The usual text needs no Unicode, and one with a digit of four bytes is at most 76 long. */
    if (len != SB_ID_DIGITS) {
        sb__text_strip(&text, &len);
    }
    for (size_t count = 0; count < SB_ID_DIGITS; count++, text += n, len -= n) {
        uint32_t c;
        int digit;

        if (len == 0) {
            return 0;
        }
        n = sb__utf8_decode(&c, text, len);
        digit = sb__unicode_digit(c);
        if (digit < 0) {
            return 0;
        }
        value = value * 10 + (uint64_t)digit;
    }
    if (len > 0 || value > INT64_MAX) {
        return 0;
    }
    *out = (int64_t)value;
    return 1;
}

sb_status sb_id_parse(int64_t *out, const char *text, size_t text_len)
{
    int64_t id;

    sb__error_clear();
    if (!text) {
        return sb__fail(SB_EINVALID, "text must not be NULL");
    }
    if (text_len == (size_t)SB_NTS) {
        text_len = strlen(text);
    }
    if (!sb__utf8_is_valid(text, text_len) || !sb__id_read(&id, text, text_len)) {
        return sb__fail(SB_EINVALID,
                        "invalid message ID: expected exactly 19 digits within range");
    }
    if (out) {
        *out = id;
    }
    return SB_OK;
}

void sb__id_digits(char *out, int64_t id)
{
    for (int i = SB_ID_DIGITS - 1; i >= 0; i--) {
        out[i] = (char)('0' + id % 10);
        id /= 10;
    }
}

sb_status sb_id_format(char *out, size_t out_size, int64_t id)
{
    sb__error_clear();
    if (!out || out_size < SB_ID_SIZE) {
        return sb__fail(SB_EINVALID, "out must have room for %d bytes", (int)SB_ID_SIZE);
    }
    if (id < 0) {
        return sb__fail(SB_EINVALID, "id must not be negative");
    }
    sb__id_digits(out, id);
    out[SB_ID_DIGITS] = '\0';
    return SB_OK;
}
