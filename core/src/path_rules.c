/*
 * The path-safe rule. Characters are counted as Python counts them: an undecodable byte is one.
 */
#include "path_rules.h"

#include <string.h>

#include "error.h"
#include "pyrepr.h"
#include "str.h"
#include "text.h"

enum { COMPONENT_MAX = 255, PATH_MAX_CHARS = 1024, COMPONENT_SHOWN = 50 };

static const char dangerous[] = "\r\n\t\x7F|&;$`\"'<>(){}[]*?~^!#";

typedef enum breach {
    SAFE,
    EMPTY,
    DANGEROUS,
    PARENT_REFERENCE,
    CURRENT_REFERENCE,
    EDGE_SPACE,
    COMPONENT_TOO_LONG,
    TOO_LONG
} breach;

static size_t char_count(const char *text, size_t len)
{
    size_t count = 0;

    while (len > 0) {
        size_t n = sb__utf8_valid_prefix(text, len);

        count += sb__utf8_count(text, n);
        if (n < len) {
            count++;
            n++;
        }
        text += n;
        len -= n;
    }
    return count;
}

/* Bytes that the first `chars` characters take. */
static size_t char_offset(const char *text, size_t len, size_t chars)
{
    size_t offset = 0;

    for (size_t i = 0; i < chars && offset < len; i++) {
        uint32_t c;
        size_t left = len - offset;

        offset += sb__utf8_valid_prefix(text + offset, left < 4 ? left : 4) == 0
                      ? 1
                      : sb__utf8_decode(&c, text + offset, left);
    }
    return offset;
}

static int is_separator(char c, int backslash)
{
    return c == '/' || (backslash && c == '\\');
}

/* The component that begins at `*at`; moves past its separator. */
static size_t component(const char **start, size_t *at, const char *path, size_t len,
                        int backslash)
{
    size_t begin = *at;
    size_t end = begin;

    while (end < len && !is_separator(path[end], backslash)) {
        end++;
    }
    *start = path + begin;
    *at = end + 1;
    return end - begin;
}

/* Whether a component is `name`; without `last` the last one does not count unless it is alone. */
static int has_component(const char *path, size_t len, const char *name, int last)
{
    const char *start;

    for (size_t at = 0; at <= len;) {
        size_t n = component(&start, &at, path, len, 1);

        if (n == strlen(name) && memcmp(start, name, n) == 0 &&
            (last || at <= len || start == path)) {
            return 1;
        }
    }
    return 0;
}

/* What is wrong with a path; `culprit` is the character or component. */
static breach find_breach(const char **culprit, size_t *culprit_len, const char *path, size_t len)
{
    *culprit = path;
    *culprit_len = 1;
    if (len == 0) {
        return EMPTY;
    }
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '\0' || strchr(dangerous, path[i])) {
            *culprit = path + i;
            return DANGEROUS;
        }
    }
    if (has_component(path, len, "..", 1)) {
        return PARENT_REFERENCE;
    }
    /* The reference lets a final "/." pass: its path objects drop it. */
    if (has_component(path, len, ".", 0)) {
        return CURRENT_REFERENCE;
    }
    for (size_t at = 0; at <= len;) {
        size_t n = component(culprit, &at, path, len, 1);

        *culprit_len = n;
        if (n > 0 && ((*culprit)[0] == ' ' || (*culprit)[n - 1] == ' ')) {
            return EDGE_SPACE;
        }
        if (n > COMPONENT_MAX && char_count(*culprit, n) > COMPONENT_MAX) {
            return COMPONENT_TOO_LONG;
        }
    }
    if (len > PATH_MAX_CHARS && char_count(path, len) > PATH_MAX_CHARS) {
        return TOO_LONG;
    }
    return SAFE;
}

int sb__path_is_safe(const char *path, size_t len)
{
    const char *culprit;
    size_t culprit_len;

    return find_breach(&culprit, &culprit_len, path, len) == SAFE;
}

static sb_status fail_dangerous(const char *what, const char *culprit, const char *path, size_t len)
{
    sb__str shown = SB__STR_INIT;
    sb_status status;

    sb__str_append_text(&shown, "dangerous character '");
    sb__text_one_line(&shown, culprit, 1);
    sb__str_append_text(&shown, "': ");
    sb__text_one_line(&shown, path, len);
    status = sb__str_check(&shown);
    if (status == SB_OK) {
        status = sb__fail(SB_EINVALID,
                          "%s contains %s. Path components must not contain shell metacharacters "
                          "or control characters.",
                          what, shown.data);
    }
    sb__str_dispose(&shown);
    return status;
}

sb_status sb__path_check_safe(const char *what, const char *path, size_t len)
{
    const char *culprit;
    size_t culprit_len;
    int shown;

    switch (find_breach(&culprit, &culprit_len, path, len)) {
    case EMPTY:
        return sb__fail(SB_EINVALID, "%s must be a non-empty string", what);
    case DANGEROUS:
        return fail_dangerous(what, culprit, path, len);
    case PARENT_REFERENCE:
        return sb__fail(SB_EINVALID, "%s must not contain parent directory references: %.*s", what,
                        (int)len, path);
    case CURRENT_REFERENCE:
        return sb__fail(SB_EINVALID, "%s must not contain current directory references: %.*s", what,
                        (int)len, path);
    case EDGE_SPACE:
        return sb__fail(SB_EINVALID, "%s component cannot start or end with spaces: '%.*s' in %.*s",
                        what, (int)culprit_len, culprit, (int)len, path);
    case COMPONENT_TOO_LONG:
        shown = (int)char_offset(culprit, culprit_len, COMPONENT_SHOWN);
        return sb__fail(SB_EINVALID, "%s component too long (max %d chars): '%.*s...'", what,
                        COMPONENT_MAX, shown, culprit);
    case TOO_LONG:
        shown = (int)char_offset(path, len, COMPONENT_SHOWN);
        return sb__fail(SB_EINVALID, "%s too long (max %d chars): %zu chars in %.*s...", what,
                        PATH_MAX_CHARS, char_count(path, len), shown, path);
    default:
        return SB_OK;
    }
}

size_t sb__path_part_count(const char *path, size_t len, int backslash)
{
    size_t count = len > 0 && is_separator(path[0], backslash);
    const char *start;

    for (size_t at = 0; at <= len;) {
        size_t n = component(&start, &at, path, len, backslash);

        count += n > 0 && !(n == 1 && start[0] == '.');
    }
    return count;
}
