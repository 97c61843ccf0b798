/* Lists of strings. */
#include <stdint.h>

#include "alloc.h"
#include "error.h"
#include "string_list.h"

sb_strings *sb_strings_new(void)
{
    return sb__zalloc(sizeof(sb_strings));
}

void sb_strings_free(sb_strings *strings)
{
    if (strings) {
        for (size_t i = 0; i < strings->count; i++) {
            sb_free(strings->items[i].data);
        }
        sb_free(strings->items);
        sb_free(strings);
    }
}

static sb_status reserve(sb_strings *strings)
{
    size_t capacity = strings->capacity ? strings->capacity * 2 : 8;
    void *grown;

    if (strings->count < strings->capacity) {
        return SB_OK;
    }
    if (capacity > SIZE_MAX / sizeof *strings->items) {
        return sb__fail_nomem();
    }
    grown = sb__realloc(strings->items, capacity * sizeof *strings->items);
    if (!grown) {
        return sb__fail_nomem();
    }
    strings->items = grown;
    strings->capacity = capacity;
    return SB_OK;
}

sb_status sb_strings_add(sb_strings *strings, const char *text, size_t text_len)
{
    sb_status status;
    char *copy;

    sb__error_clear();
    if (!strings || !text) {
        return sb__fail(SB_EINVALID, "a list and a text are required");
    }
    status = reserve(strings);
    if (status != SB_OK) {
        return status;
    }
    text_len = sb__text_length(text, text_len);
    copy = sb__strndup(text, text_len);
    if (!copy) {
        return sb__fail_nomem();
    }
    strings->items[strings->count].data = copy;
    strings->items[strings->count].len = text_len;
    strings->count++;
    return SB_OK;
}

size_t sb_strings_count(const sb_strings *strings)
{
    return strings ? strings->count : 0;
}

const char *sb_strings_get(size_t *out_len, const sb_strings *strings, size_t index)
{
    const char *text = NULL;
    size_t len = 0;

    if (strings && index < strings->count) {
        text = strings->items[index].data;
        len = strings->items[index].len;
    }
    if (out_len) {
        *out_len = len;
    }
    return text;
}
