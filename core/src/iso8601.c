/*
 * The ISO 8601 forms of Python 3.11's datetime.fromisoformat(), its leniencies included: any one
 * character separates date and time, and digits behind a complete time count as a fraction.
 * Scripts pass such texts as bounds, so what is accepted here is accepted there and the reverse.
 */
#include "iso8601.h"

#include <string.h>

enum { SECONDS_PER_DAY = 86400, YEAR_MAX = 9999 };

static const int64_t US_PER_DAY = INT64_C(86400000000);

typedef struct date {
    int year;
    int month;
    int day;
} date;

typedef struct clock_time {
    int hour;
    int minute;
    int second;
    int microsecond;
} clock_time;

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly `count` digits; returns what follows them, or NULL. Stops at the final NUL. */
static const char *read_digits(int *out, const char *p, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_digit(*p)) {
            return NULL;
        }
        value = value * 10 + (*p++ - '0');
    }
    *out = value;
    return p;
}

/* Days from 1970-01-01, for any year of the Gregorian calendar from 1 on. */
static int64_t days_from_date(const date *d)
{
    /* Years begin in March, so that the leap day is the last one of a year. */
    int64_t year = d->month <= 2 ? d->year - 1 : d->year;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = d->month > 2 ? d->month - 3 : d->month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + d->day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int is_real_date(const date *d)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return d->year >= 1 && d->year <= YEAR_MAX && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= month_days[d->month - 1] + (d->month == 2 && is_leap(d->year));
}

/* Days from 1970-01-01 of a day of an ISO week; 0 if there is no such week or day. */
static int days_from_week(int64_t *out, int year, int week, int weekday)
{
    date first = {year, 1, 1};
    date last = {YEAR_MAX, 12, 31};
    int64_t new_year;
    int first_weekday;

    if (year < 1 || week < 1 || week > 53 || weekday < 1 || weekday > 7) {
        return 0;
    }
    new_year = days_from_date(&first);
    /* 0 is Monday. 1970-01-01 was a Thursday; the remainder is negative before it. */
    first_weekday = (int)((new_year % 7 + 3 + 7) % 7);
    if (week == 53 && first_weekday != 3 && !(first_weekday == 2 && is_leap(year))) {
        return 0;
    }
    /* Week 1 is the one that has the year's first Thursday. */
    *out = new_year - first_weekday + (first_weekday > 3 ? 7 : 0) + (week - 1) * 7 + weekday - 1;
    return *out <= days_from_date(&last);
}

/* Where the date ends: by its form alone, since any character may separate it from the time. */
static size_t find_separator(const char *text, size_t len)
{
    size_t digits_end = 7;

    if (text[4] == '-') {
        if (text[5] != 'W') {
            return 10;
        }
        /* YYYY-Www-D, unless two digits follow: then an hour behind a hyphen. */
        return len > 9 && text[8] == '-' && !(len > 10 && is_digit(text[10])) ? 10 : 8;
    }
    if (text[4] != 'W') {
        return 8;
    }
    while (is_digit(text[digits_end])) {
        digits_end++;
    }
    if (digits_end < 9) {
        return digits_end;
    }
    /* Hours, minutes and seconds come in pairs of digits: an odd one out is the day of the week. */
    return digits_end % 2 == 0 ? 7 : 8;
}

/* Also tells whether something is left of the `len` bytes. */
static int parse_date(int64_t *out_days, int *out_rest, const char *text, size_t len)
{
    date d;
    int week;
    int weekday = 1;
    const char *p = read_digits(&d.year, text, 4);
    int separated = p && *p == '-';

    if (!p) {
        return 0;
    }
    p += separated;
    *out_rest = 0;
    if (*p == 'W') {
        p = read_digits(&week, p + 1, 2);
        if (p && (size_t)(p - text) < len) {
            if (separated && *p++ != '-') {
                return 0;
            }
            p = read_digits(&weekday, p, 1);
        }
        return p && days_from_week(out_days, d.year, week, weekday);
    }
    p = read_digits(&d.month, p, 2);
    if (!p || (separated && *p++ != '-')) {
        return 0;
    }
    p = read_digits(&d.day, p, 2);
    if (!p || !is_real_date(&d)) {
        return 0;
    }
    *out_rest = (size_t)(p - text) != len;
    *out_days = days_from_date(&d);
    return 1;
}

/* What stands behind a time of day that has been read. */
typedef enum rest {
    REST_BAD,  /* it was none */
    REST_NONE, /* it ends with the text */
    REST_SOME  /* an offset, or a character that is not part of it */
} rest;

/* Digits of a fraction beyond the sixth are read over. */
static rest parse_fraction(int *out, const char *p, const char *end)
{
    size_t count = end - p < 6 ? (size_t)(end - p) : 6;

    p = read_digits(out, p, count);
    if (!p) {
        return REST_BAD;
    }
    for (; count < 6; count++) {
        *out *= 10;
    }
    while (is_digit(*p)) {
        p++;
    }
    return *p ? REST_SOME : REST_NONE;
}

/*
 * HH, HH:MM, HH:MM:SS, the same without colons, each with an optional fraction. As in Python, one
 * character more before an offset is read over, whatever it is.
 */
static rest parse_clock(clock_time *out, const char *p, const char *end)
{
    int *parts[3] = {&out->hour, &out->minute, &out->second};
    int colons = 1;

    *out = (clock_time){0, 0, 0, 0};
    for (size_t i = 0; i < 3; i++) {
        char c;

        p = read_digits(parts[i], p, 2);
        if (!p) {
            return REST_BAD;
        }
        c = *p;
        if (i == 0) {
            colons = c == ':';
        }
        if (p + 1 >= end) {
            return c ? REST_SOME : REST_NONE;
        }
        if (c == '.' || c == ',') {
            p++;
            break;
        }
        if (colons && c != ':') {
            return REST_BAD;
        }
        p += colons;
    }
    return parse_fraction(&out->microsecond, p, end);
}

static int seconds_of(const clock_time *t)
{
    return t->hour * 3600 + t->minute * 60 + t->second;
}

/* The time of day in UTC, in microseconds; the offset may lead out of the day at both ends. */
static int parse_time(int64_t *out, const char *text, const char *end)
{
    const char *zone = text;
    clock_time t;
    clock_time offset = {0, 0, 0, 0};
    int64_t offset_us = 0;
    rest behind;

    while (zone < end && *zone != '+' && *zone != '-') {
        zone++;
    }
    behind = parse_clock(&t, text, zone);
    if (behind == REST_BAD || t.hour > 23 || t.minute > 59 || t.second > 59 ||
        (behind == REST_SOME && zone == end)) {
        return 0;
    }
    if (zone < end) {
        if (parse_clock(&offset, zone + 1, end) != REST_NONE) {
            return 0;
        }
        /* Python takes an offset of less than a second for none. */
        offset_us = seconds_of(&offset) * INT64_C(1000000);
        offset_us += offset_us ? offset.microsecond : 0;
        if (offset_us >= US_PER_DAY) {
            return 0;
        }
        offset_us = *zone == '-' ? -offset_us : offset_us;
    }
    *out = seconds_of(&t) * INT64_C(1000000) + t.microsecond - offset_us;
    return 1;
}

static size_t character_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static int parse_date_and_time(int64_t *out_days, int64_t *out_us, const char *text, size_t len)
{
    static const date first = {1, 1, 1};
    static const date last = {YEAR_MAX, 12, 31};
    size_t date_len = len == 7 ? 7 : find_separator(text, len);
    size_t begin;
    int date_rest;

    *out_us = 0;
    if (date_len > len || !parse_date(out_days, &date_rest, text, date_len) || date_rest) {
        return 0;
    }
    if (date_len == len) {
        return 1;
    }
    begin = date_len + character_length((unsigned char)text[date_len]);
    if (begin > len || !parse_time(out_us, text + begin, text + len)) {
        return 0;
    }
    if (*out_us < 0) {
        *out_us += US_PER_DAY;
        --*out_days;
    } else if (*out_us >= US_PER_DAY) {
        *out_us -= US_PER_DAY;
        ++*out_days;
    }
    return *out_days >= days_from_date(&first) && *out_days <= days_from_date(&last);
}

int sb__iso8601_parse(sb__instant *out, const char *text, size_t len)
{
    int64_t days;
    int64_t us;
    int date_rest;

    if (len < 7) {
        return 0;
    }
    if (!parse_date_and_time(&days, &us, text, len)) {
        /* Python's date parser looks at lengths only: a date of 8 passes with 2 bytes more. */
        if (len != 10 || !parse_date(&days, &date_rest, text, len)) {
            return 0;
        }
        us = 0;
    }
    out->seconds = days * SECONDS_PER_DAY + us / 1000000;
    out->microseconds = (int32_t)(us % 1000000);
    return 1;
}
