/*
 * Shell-style matching as Python's fnmatch.fnmatchcase() does it, so that a pattern selects the
 * same queues whichever program applies it.
 */
#include "glob.h"

#include <string.h>

/* What a set is made of, seen from the one character it is asked about. */
typedef struct set {
    unsigned char c;
    int negated;
    int found;
    int empty; /* nothing has been added yet */
} set;

static void add_char(set *s, unsigned char c)
{
    /* An exclamation mark that dropped ranges leave in front negates, in Python too. */
    if (s->empty && !s->negated && c == '!') {
        s->negated = 1;
        return;
    }
    s->empty = 0;
    s->found |= s->c == c;
}

static void add_range(set *s, unsigned char low, unsigned char high)
{
    if (low > high) {
        return;
    }
    if (s->empty && !s->negated && low == '!') {
        s->negated = 1;
        add_char(s, '-');
        add_char(s, high);
        return;
    }
    s->empty = 0;
    s->found |= low <= s->c && s->c <= high;
}

/* `p` is behind the bracket that opens a set; NULL if none closes it. */
static const char *find_set_end(const char *p, const char *end)
{
    p += p < end && *p == '!';
    p += p < end && *p == ']';
    return p < end ? memchr(p, ']', (size_t)(end - p)) : NULL;
}

static int set_has(const char *p, const char *end, unsigned char c)
{
    set s = {c, 0, 0, 1};

    if (p < end && *p == '!') {
        s.negated = 1;
        p++;
    }
    while (p < end) {
        if (end - p > 2 && p[1] == '-') {
            add_range(&s, (unsigned char)p[0], (unsigned char)p[2]);
            p += 3;
        } else {
            add_char(&s, (unsigned char)*p++);
        }
    }
    return s.found != s.negated;
}

/* Matches one character; returns the pattern behind the element that did, or NULL. */
static const char *match_one(const char *p, const char *end, char c)
{
    const char *set_end;

    if (*p == '?') {
        return p + 1;
    }
    if (*p == '[' && (set_end = find_set_end(p + 1, end)) != NULL) {
        return set_has(p + 1, set_end, (unsigned char)c) ? set_end + 1 : NULL;
    }
    return *p == c ? p + 1 : NULL;
}

int sb__glob_match(const char *pattern, size_t pattern_len, const char *name, size_t name_len)
{
    const char *p = pattern;
    const char *end = pattern + pattern_len;
    const char *after_star = NULL;
    size_t star_at = 0;
    size_t i = 0;

    while (i < name_len || p < end) {
        const char *next = NULL;

        if (p < end && *p == '*') {
            after_star = ++p;
            star_at = i;
            continue;
        }
        if (p < end && i < name_len) {
            next = match_one(p, end, name[i]);
        }
        if (next) {
            p = next;
            i++;
            continue;
        }
        /* Only the last star need give way: an earlier one could win nothing by taking more. */
        if (!after_star || star_at >= name_len) {
            return 0;
        }
        i = ++star_at;
        p = after_star;
    }
    return 1;
}

size_t sb__glob_stem(const char *pattern, size_t len)
{
    size_t i = 0;

    while (i < len && pattern[i] != '*' && pattern[i] != '?' && pattern[i] != '[') {
        i++;
    }
    return i;
}
