/*
 * Rules for queue names and message bodies, with the texts that scripts match. Both are checked on
 * every write, so the good case is one pass over the bytes.
 */
#include "queue_name.h"

#include "error.h"
#include "string_list.h"
#include "text.h"

/* Which bytes a name may hold: 1 anywhere, 2 not in front. */
static const unsigned char name_bytes[256] = {
    ['-'] = 2, ['.'] = 2, ['_'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,
    ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,
    ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
    ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1,
    ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1,
    ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
    ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1,
    ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,
    ['z'] = 1,
};

static sb_status check_characters(const char *what, const char *name, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)name;
    int good = len <= SB_QUEUE_NAME_MAX && (len == 0 || name_bytes[bytes[0]] == 1);

    for (size_t i = 1; good && i < len; i++) {
        good = name_bytes[bytes[i]] != 0;
    }
    if (good) {
        return SB_OK;
    }
    /* The limit is one of characters, so a text of more bytes may fail for its characters. */
    if (sb__utf8_count(name, len) > SB_QUEUE_NAME_MAX) {
        return sb__fail(SB_EQUEUENAME, "Invalid queue %s: exceeds %d characters", what,
                        (int)SB_QUEUE_NAME_MAX);
    }
    return sb__fail(SB_EQUEUENAME,
                    "Invalid queue %s: must contain only letters, numbers, periods, underscores, "
                    "and hyphens. Cannot begin with a hyphen or a period",
                    what);
}

sb_status sb__queue_name_check(const char *name, size_t len)
{
    if (len == 0) {
        return sb__fail(SB_EQUEUENAME, "Invalid queue name: cannot be empty");
    }
    return check_characters("name", name, len);
}

sb_status sb__queue_prefix_check(const char *prefix, size_t len)
{
    return check_characters("prefix", prefix, len);
}

sb_status sb__body_check(const char *body, size_t len, size_t max)
{
    if (!sb__utf8_is_valid(body, len)) {
        return sb__fail(SB_EMESSAGE,
                        "Message must be UTF-8 encodable (lone surrogates are not allowed)");
    }
    if (len > max) {
        return sb__fail(SB_EMESSAGE,
                        "Message size (%zu bytes) exceeds maximum allowed size (%zu bytes). "
                        "Adjust BROKER_MAX_MESSAGE_SIZE if needed.",
                        len, max);
    }
    return SB_OK;
}

sb_status sb_queue_name_check(const char *name, size_t name_len)
{
    sb__error_clear();
    if (!name) {
        return sb__fail(SB_EINVALID, "name must not be NULL");
    }
    return sb__queue_name_check(name, sb__text_length(name, name_len));
}
