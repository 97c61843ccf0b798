/*
 * Python's int(), float() and repr(float). The C library does the conversions, in the C locale,
 * after the syntax has been checked here: strtod() alone would accept hexadecimal numbers and more.
 */
#include "pynum.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

#include "str.h"
#include "text.h"

enum {
    INT_DIGITS_MAX = 4300, /* Python's own limit against quadratic conversions */
    FLOAT_DIGITS = 17,     /* enough to tell any two doubles apart */
    END = -1,
    OTHER = -2
};

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Characters of a number, with Unicode digits and blanks as their ASCII counterparts. */
typedef struct reader {
    const char *p;
    const char *end;
    int c; /* the character at hand, END or OTHER */
} reader;

static void advance(reader *r)
{
    uint32_t c;
    size_t left = (size_t)(r->end - r->p);

    if (left == 0) {
        r->c = END;
        return;
    }
    if ((unsigned char)*r->p < 0x7F) {
        r->c = *r->p++;
        return;
    }
    if (sb__utf8_valid_prefix(r->p, left < 4 ? left : 4) == 0) {
        r->c = OTHER;
        r->p++;
        return;
    }
    r->p += sb__utf8_decode(&c, r->p, left);
    r->c = sb__is_unicode_space(c) ? ' ' : sb__unicode_digit(c) >= 0 ? '0' + sb__unicode_digit(c)
                                                                     : OTHER;
}

static int is_blank(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static void begin(reader *r, const char *text, size_t len)
{
    r->p = text;
    r->end = text + len;
    do {
        advance(r);
    } while (is_blank(r->c));
}

static int at_end(reader *r)
{
    while (is_blank(r->c)) {
        advance(r);
    }
    return r->c == END;
}

/* Digits with single underscores between them, appended to `out` if that is wanted. */
static size_t digits(reader *r, sb__str *out)
{
    size_t count = 0;

    while (is_digit(r->c)) {
        count++;
        if (out) {
            sb__str_append_char(out, (char)r->c);
        }
        advance(r);
        if (r->c == '_') {
            advance(r);
            if (!is_digit(r->c)) {
                r->c = OTHER;
            }
        }
    }
    return count;
}

int sb__py_int(int64_t *out, const char *text, size_t len)
{
    uint64_t magnitude = 0;
    uint64_t limit = INT64_MAX;
    size_t count = 0;
    int negative;
    reader r;

    begin(&r, text, len);
    negative = r.c == '-';
    if (r.c == '-' || r.c == '+') {
        advance(&r);
    }
    limit += (uint64_t)negative;
    while (is_digit(r.c)) {
        uint64_t digit = (uint64_t)(r.c - '0');

        magnitude = magnitude > (limit - digit) / 10 ? limit : magnitude * 10 + digit;
        count++;
        advance(&r);
        if (r.c == '_') {
            advance(&r);
            if (!is_digit(r.c)) {
                return 0;
            }
        }
    }
    if (count == 0 || count > INT_DIGITS_MAX || !at_end(&r)) {
        return 0;
    }
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 1;
}

int sb__py_int_of_double(int64_t *out, double number)
{
    if (!isfinite(number)) {
        return 0;
    }
    if (number >= 9223372036854775808.0) {
        *out = INT64_MAX;
    } else if (number < -9223372036854775808.0) {
        *out = INT64_MIN;
    } else {
        *out = (int64_t)number;
    }
    return 1;
}

/* "inf", "infinity" and "nan" in any case. */
static int word(reader *r, double *out)
{
    char letters[9];
    size_t n = 0;

    while (r->c > 0 && ((r->c | 0x20) >= 'a' && (r->c | 0x20) <= 'z') && n < sizeof letters - 1) {
        letters[n++] = (char)(r->c | 0x20);
        advance(r);
    }
    letters[n] = '\0';
    if (strcmp(letters, "inf") == 0 || strcmp(letters, "infinity") == 0) {
        *out = HUGE_VAL;
        return 1;
    }
    if (strcmp(letters, "nan") == 0) {
        *out = (double)NAN;
        return 1;
    }
    return 0;
}

/* The characters of a decimal number without blanks and underscores. */
static int decimal(reader *r, sb__str *plain)
{
    size_t count = digits(r, plain);

    if (r->c == '.') {
        sb__str_append_char(plain, '.');
        advance(r);
        count += digits(r, plain);
    }
    if (count == 0) {
        return 0;
    }
    if (r->c == 'e' || r->c == 'E') {
        sb__str_append_char(plain, 'e');
        advance(r);
        if (r->c == '-' || r->c == '+') {
            sb__str_append_char(plain, (char)r->c);
            advance(r);
        }
        if (digits(r, plain) == 0) {
            return 0;
        }
    }
    return 1;
}

int sb__py_float(double *out, const char *text, size_t len)
{
    sb__str plain = SB__STR_INIT;
    int negative;
    int ok;
    reader r;

    begin(&r, text, len);
    negative = r.c == '-';
    if (r.c == '-' || r.c == '+') {
        advance(&r);
    }
    if (is_digit(r.c) || r.c == '.') {
        ok = decimal(&r, &plain);
        if (plain.failed) {
            ok = -1;
        } else if (ok) {
            pthread_once(&locale_once, make_locale);
            *out = c_locale ? strtod_l(plain.data, NULL, c_locale) : strtod(plain.data, NULL);
        }
    } else {
        ok = word(&r, out);
    }
    sb__str_dispose(&plain);
    if (ok > 0 && !at_end(&r)) {
        ok = 0;
    }
    if (ok > 0 && negative) {
        *out = -*out;
    }
    return ok;
}

/* Shortest scientific form "d.ddde+xx" that reads back as the number. */
static void shortest(char *out, size_t size, double number)
{
    locale_t old;

    pthread_once(&locale_once, make_locale);
    old = uselocale(c_locale);
    for (int precision = 0; precision < FLOAT_DIGITS; precision++) {
        snprintf(out, size, "%.*e", precision, number);
        if (strtod(out, NULL) == number) {
            break;
        }
    }
    uselocale(old);
}

/* Digits of a scientific form without sign and point; the exponent in `exponent`. */
static size_t split(char *digits_out, int *exponent, const char *scientific)
{
    size_t n = 0;

    for (; *scientific && *scientific != 'e'; scientific++) {
        if (is_digit(*scientific)) {
            digits_out[n++] = *scientific;
        }
    }
    digits_out[n] = '\0';
    *exponent = *scientific ? atoi(scientific + 1) : 0;
    return n;
}

static int fixed(char *out, size_t size, const char *digits_in, int count, int exponent)
{
    if (exponent < 0) {
        return snprintf(out, size, "0.%.*s%s", -exponent - 1, "000", digits_in);
    }
    if (exponent + 1 >= count) {
        return snprintf(out, size, "%s%.*s.0", digits_in, exponent + 1 - count,
                        "0000000000000000");
    }
    return snprintf(out, size, "%.*s.%s", exponent + 1, digits_in, digits_in + exponent + 1);
}

size_t sb__py_float_repr(char out[SB__PY_FLOAT_SIZE], double number)
{
    char scientific[SB__PY_FLOAT_SIZE];
    char mantissa[FLOAT_DIGITS + 1];
    const char *sign = signbit(number) ? "-" : "";
    int exponent;
    int count;
    int n;

    if (isnan(number)) {
        return (size_t)snprintf(out, SB__PY_FLOAT_SIZE, "nan");
    }
    if (isinf(number)) {
        return (size_t)snprintf(out, SB__PY_FLOAT_SIZE, "%sinf", sign);
    }
    shortest(scientific, sizeof scientific, fabs(number));
    count = (int)split(mantissa, &exponent, scientific);
    n = snprintf(out, SB__PY_FLOAT_SIZE, "%s", sign);
    if (exponent >= -4 && exponent < 16) {
        n += fixed(out + n, SB__PY_FLOAT_SIZE - (size_t)n, mantissa, count, exponent);
    } else {
        n += snprintf(out + n, SB__PY_FLOAT_SIZE - (size_t)n, "%c%s%se%+03d", mantissa[0],
                      count > 1 ? "." : "", mantissa + 1, exponent);
    }
    return (size_t)n;
}
