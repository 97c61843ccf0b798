/*
 * Values of a TOML document that are single words. Each reader takes the longest beginning that
 * is a value; whatever stands behind it without separation is the caller's error.
 */
#include <string.h>

#include "pynum.h"
#include "toml_lexer.h"

static int is_digit(char c, int base)
{
    if (base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
        return 1;
    }
    return c >= '0' && c < '0' + (base < 10 ? base : 10);
}

/* Digits with single underscores between them. Returns where they end; `p` if there are none. */
static const char *scan_digits(const char *p, const char *end, int base)
{
    if (p == end || !is_digit(*p, base)) {
        return p;
    }
    for (p++; p < end; p++) {
        if (*p == '_' && p + 1 < end && is_digit(p[1], base)) {
            continue;
        }
        if (!is_digit(*p, base)) {
            break;
        }
    }
    return p;
}

static int read_integer(sb__toml_lexer *lexer, sb__toml_value *out, const char *end, int base)
{
    const char *p = lexer->at + (base == 10 ? 0 : 2);
    int negative = *p == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t number = 0;

    for (p += *p == '-' || *p == '+'; p < end; p++) {
        uint64_t digit;

        if (*p == '_') {
            continue;
        }
        digit = (uint64_t)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
        if (number > (limit - digit) / (uint64_t)base) {
            return sb__toml_fail(lexer, lexer->at, "Integer does not fit into 64 bits");
        }
        number = number * (uint64_t)base + digit;
    }
    out->type = SB__TOML_INTEGER;
    out->integer = negative ? (int64_t)(0 - number) : (int64_t)number;
    lexer->at = end;
    return 0;
}

static int read_float(sb__toml_lexer *lexer, sb__toml_value *out, const char *end)
{
    int read = sb__py_float(&out->real, lexer->at, (size_t)(end - lexer->at));

    if (read < 0) {
        return SB__TOML_NO_MEMORY;
    }
    out->type = SB__TOML_FLOAT;
    lexer->at = end;
    return 0;
}

static int base_of_prefix(const sb__toml_lexer *lexer)
{
    if (sb__toml_looking_at(lexer, "0x")) {
        return 16;
    }
    if (sb__toml_looking_at(lexer, "0o")) {
        return 8;
    }
    return sb__toml_looking_at(lexer, "0b") ? 2 : 10;
}

static const char *scan_fraction(const char *p, const char *end)
{
    const char *digits_end;

    if (p == end || *p != '.') {
        return p;
    }
    digits_end = scan_digits(p + 1, end, 10);
    return digits_end == p + 1 ? p : digits_end;
}

static const char *scan_exponent(const char *p, const char *end)
{
    const char *digits;
    const char *digits_end;

    if (p == end || (*p != 'e' && *p != 'E')) {
        return p;
    }
    digits = p + 1;
    if (digits < end && (*digits == '+' || *digits == '-')) {
        digits++;
    }
    digits_end = scan_digits(digits, end, 10);
    return digits_end == digits ? p : digits_end;
}

static int is_inf_or_nan(const char *p, const char *end)
{
    return end - p >= 3 && (memcmp(p, "inf", 3) == 0 || memcmp(p, "nan", 3) == 0);
}

static int read_number(sb__toml_lexer *lexer, sb__toml_value *out)
{
    int base = base_of_prefix(lexer);
    const char *digits = lexer->at;
    const char *end;
    const char *integer_end;

    if (base != 10) {
        end = scan_digits(digits + 2, lexer->end, base);
        if (end > digits + 2) {
            return read_integer(lexer, out, end, base);
        }
    }
    digits += *digits == '+' || *digits == '-';
    if (is_inf_or_nan(digits, lexer->end)) {
        return read_float(lexer, out, digits + 3);
    }
    integer_end = digits < lexer->end && *digits == '0' ? digits + 1
                                                        : scan_digits(digits, lexer->end, 10);
    if (integer_end == digits) {
        return sb__toml_fail(lexer, lexer->at, "Invalid value");
    }
    end = scan_exponent(scan_fraction(integer_end, lexer->end), lexer->end);
    return end == integer_end ? read_integer(lexer, out, end, 10) : read_float(lexer, out, end);
}

/* Reads the digits that `pattern` has as 'd' into numbers, one for each run; the rest must match
 * literally. Returns where it ends, or NULL. */
static const char *match(const char *p, const char *end, const char *pattern, int *numbers)
{
    int in_number = 0;

    for (; *pattern != '\0'; pattern++, p++) {
        if (p == end || (*pattern == 'd' ? !is_digit(*p, 10) : *p != *pattern)) {
            return NULL;
        }
        if (*pattern == 'd') {
            *numbers = (in_number ? *numbers * 10 : 0) + (*p - '0');
            in_number = 1;
        } else if (in_number) {
            numbers++;
            in_number = 0;
        }
    }
    return p;
}

/* A time of day, with fraction if there is one. Returns where it ends, or NULL if there is none;
 * sets *valid to 0 if it is one that does not exist. */
static const char *scan_time(const char *p, const char *end, int *valid)
{
    int hms[3];

    p = match(p, end, "dd:dd:dd", hms);
    if (p == NULL) {
        return NULL;
    }
    if (hms[0] > 23 || hms[1] > 59 || hms[2] > 60) {
        *valid = 0;
    }
    if (end - p >= 2 && *p == '.' && is_digit(p[1], 10)) {
        for (p++; p < end && is_digit(*p, 10); p++) {
        }
    }
    return p;
}

static const char *scan_offset(const char *p, const char *end, int *valid)
{
    int hm[2];
    const char *offset_end;

    if (p < end && (*p == 'Z' || *p == 'z')) {
        return p + 1;
    }
    if (p == end || (*p != '+' && *p != '-')) {
        return p;
    }
    offset_end = match(p + 1, end, "dd:dd", hm);
    if (offset_end == NULL) {
        return p;
    }
    if (hm[0] > 23 || hm[1] > 59) {
        *valid = 0;
    }
    return offset_end;
}

static int day_exists(const int ymd[3])
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = ymd[0] % 4 == 0 && (ymd[0] % 100 != 0 || ymd[0] % 400 == 0);

    return ymd[1] >= 1 && ymd[1] <= 12 && ymd[2] >= 1
        && ymd[2] <= days[ymd[1] - 1] + (leap && ymd[1] == 2);
}

/* A date, a time, or both with or without an offset. Returns where it ends, or NULL. */
static const char *scan_datetime(const char *p, const char *end, int *valid)
{
    int ymd[3];
    const char *date_end = match(p, end, "dddd-dd-dd", ymd);
    const char *time_end;

    if (date_end == NULL) {
        return scan_time(p, end, valid);
    }
    if (!day_exists(ymd)) {
        *valid = 0;
    }
    if (date_end == end || strchr("Tt ", *date_end) == NULL) {
        return date_end;
    }
    time_end = scan_time(date_end + 1, end, valid);
    return time_end == NULL ? date_end : scan_offset(time_end, end, valid);
}

static int read_text(sb__toml_lexer *lexer, sb__toml_value *out, sb__toml_type type)
{
    if (lexer->text.failed) {
        return SB__TOML_NO_MEMORY;
    }
    out->type = type;
    out->text = lexer->text.data;
    out->len = lexer->text.len;
    return 0;
}

static int read_datetime(sb__toml_lexer *lexer, sb__toml_value *out, const char *end, int valid)
{
    if (!valid) {
        return sb__toml_fail(lexer, lexer->at, "Invalid date or datetime");
    }
    sb__str_reset(&lexer->text);
    sb__str_append(&lexer->text, lexer->at, (size_t)(end - lexer->at));
    lexer->at = end;
    return read_text(lexer, out, SB__TOML_DATETIME);
}

int sb__toml_read_scalar(sb__toml_lexer *lexer, sb__toml_value *out)
{
    char c = sb__toml_peek(lexer);
    const char *datetime_end;
    int valid = 1;
    int rc;

    memset(out, 0, sizeof(*out));
    if (c == '"' || c == '\'') {
        rc = sb__toml_read_string(lexer, 0);
        return rc != 0 ? rc : read_text(lexer, out, SB__TOML_STRING);
    }
    if (sb__toml_looking_at(lexer, "true") || sb__toml_looking_at(lexer, "false")) {
        out->type = SB__TOML_BOOLEAN;
        out->integer = c == 't';
        lexer->at += c == 't' ? 4 : 5;
        return 0;
    }
    datetime_end = scan_datetime(lexer->at, lexer->end, &valid);
    if (datetime_end != NULL) {
        return read_datetime(lexer, out, datetime_end, valid);
    }
    if (c == '\0') {
        return sb__toml_fail(lexer, lexer->at, "Invalid value");
    }
    return read_number(lexer, out);
}
