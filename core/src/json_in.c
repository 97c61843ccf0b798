/*
 * JSON as Python's json.loads() reads it: jansson parses, and what it refuses although Python takes
 * it is rewritten, once, into JSON that it takes too.
 */
#include "json_in.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

/* Python refuses to convert more digits than these. */
enum { DIGITS_MAX = 4300 };

static const char too_large[] = "numeric value is too large";

/* Stands for a number that jansson cannot hold; the blanks keep it apart from its neighbours. */
static const char some_real[] = " 0.5 ";

/* The text that is rewritten. */
typedef struct rewrite {
    const char *p;
    const char *end;
    sb__str out;
    int changed;
    int lost;      /* characters that UTF-8 cannot hold were met */
    int too_large; /* an integer was */
} rewrite;

static void copy(rewrite *r, size_t n)
{
    sb__str_append(&r->out, r->p, n);
    r->p += n;
}

static void replace(rewrite *r, size_t n, const char *text)
{
    sb__str_append_text(&r->out, text);
    r->p += n;
    r->changed = 1;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The unit of an escape \uXXXX at `p`, or -1. */
static int32_t escaped_unit(const char *p, const char *end)
{
    int32_t unit = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        int digit = hex_value(p[i]);

        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static void rewrite_escape(rewrite *r)
{
    int32_t unit = escaped_unit(r->p, r->end);
    int32_t next;

    if (unit < 0xD800 || unit > 0xDFFF) {
        copy(r, r->end - r->p < 2 ? 1 : 2);
        return;
    }
    next = escaped_unit(r->p + 6, r->end);
    if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
        copy(r, 12);
        return;
    }
    replace(r, 6, SB__JSON_LOST);
    r->lost = 1;
}

static void rewrite_string(rewrite *r)
{
    copy(r, 1);
    while (r->p < r->end && *r->p != '"') {
        size_t span = 0;
        size_t left = (size_t)(r->end - r->p);

        if (*r->p == '\\') {
            rewrite_escape(r);
            continue;
        }
        while (span < left && r->p[span] != '"' && r->p[span] != '\\') {
            span++;
        }
        copy(r, sb__utf8_valid_prefix(r->p, span));
        if (r->p < r->end && *r->p != '"' && *r->p != '\\') {
            replace(r, 1, SB__JSON_LOST);
            r->lost = 1;
        }
    }
    if (r->p < r->end) {
        copy(r, 1);
    }
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* Behind a fraction or an exponent that begins at `p`; `p` itself if there is none. */
static const char *skip_part(const char *p, const char *end, int exponent)
{
    const char *digits = p + 1;

    if (p == end || !(exponent ? *p == 'e' || *p == 'E' : *p == '.')) {
        return p;
    }
    if (exponent && digits < end && (*digits == '+' || *digits == '-')) {
        digits++;
    }
    return skip_digits(digits, end) > digits ? skip_digits(digits, end) : p;
}

static int fits_int64(const char *digits, size_t count, int negative)
{
    return count < 19 || (count == 19 && memcmp(digits, negative ? "9223372036854775808"
                                                                 : "9223372036854775807", 19) <= 0);
}

/* Whether a real of this length, with its exponent behind `p`, may be too much for a double. */
static int may_overflow(size_t length, const char *p, const char *end)
{
    while (p < end && *p != 'e' && *p != 'E') {
        p++;
    }
    return length > 100 || end - p > 3;
}

static void rewrite_number(rewrite *r)
{
    int negative = *r->p == '-';
    const char *digits = r->p + negative;
    const char *whole = skip_digits(digits, r->end);
    const char *end = skip_part(skip_part(whole, r->end, 0), r->end, 1);
    size_t count = (size_t)(whole - digits);

    if (count == 0) {
        copy(r, 1);
    } else if (end > whole ? !may_overflow((size_t)(end - r->p), whole, end)
                           : fits_int64(digits, count, negative)) {
        copy(r, (size_t)(end - r->p));
    } else if (end > whole) {
        replace(r, (size_t)(end - r->p), some_real);
    } else {
        r->too_large |= count > DIGITS_MAX;
        replace(r, (size_t)(end - r->p), some_real);
    }
}

static int rewrite_constant(rewrite *r, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) {
        return 0;
    }
    replace(r, n, some_real);
    return 1;
}

static void rewrite_text(rewrite *r)
{
    while (r->p < r->end) {
        if (*r->p == '"') {
            rewrite_string(r);
        } else if (rewrite_constant(r, "NaN") || rewrite_constant(r, "Infinity") ||
                   rewrite_constant(r, "-Infinity")) {
            continue;
        } else if (*r->p == '-' || (*r->p >= '0' && *r->p <= '9')) {
            rewrite_number(r);
        } else {
            copy(r, 1);
        }
    }
}

static json_t *parse(sb__str *reason, const char *text, size_t len)
{
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (!value && json_error_code(&error) != json_error_out_of_memory) {
        sb__str_append_text(reason, error.text);
    }
    return value;
}

int sb__json_read(sb__json *out, sb__str *reason, const char *text, size_t len)
{
    rewrite r = {text, text + len, SB__STR_INIT, 0, 0, 0};

    out->repaired = 0;
    out->value = parse(reason, text, len);
    if (out->value || reason->len == 0) {
        return out->value != NULL;
    }
    rewrite_text(&r);
    if (r.out.failed) {
        sb__str_reset(reason);
    } else if (r.changed) {
        sb__str_reset(reason);
        out->value = parse(reason, r.out.data, r.out.len);
        out->repaired = r.lost;
        if (out->value && r.too_large) {
            json_decref(out->value);
            out->value = NULL;
            sb__str_append_text(reason, too_large);
        }
    }
    sb__str_dispose(&r.out);
    return out->value != NULL;
}
