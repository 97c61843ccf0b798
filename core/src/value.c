/*
 * Lists of SQL values, on the stack or on the heap.
 */
#include "value.h"

#include <string.h>

#include "alloc.h"
#include "error.h"

void sb__values_dispose(sb_values *values)
{
    sb_values_clear(values);
    if (values->items != values->inline_items) {
        sb_free(values->items);
    }
    sb__values_init(values);
}

sb_values *sb_values_new(void)
{
    sb_values *values = sb_alloc(sizeof *values);

    if (values) {
        sb__values_init(values);
    }
    return values;
}

void sb_values_free(sb_values *values)
{
    if (values) {
        sb__values_dispose(values);
        sb_free(values);
    }
}

void sb_values_clear(sb_values *values)
{
    if (!values) {
        return;
    }
    for (size_t i = 0; i < values->count; i++) {
        if (values->items[i].owned) {
            sb_free((void *)(uintptr_t)values->items[i].data);
        }
    }
    values->count = 0;
}

static int grow(sb_values *values)
{
    size_t capacity = values->capacity * 2;
    int is_inline = values->items == values->inline_items;
    sb__value *items = sb__realloc(is_inline ? NULL : values->items, capacity * sizeof *items);

    if (!items) {
        return 0;
    }
    if (is_inline) {
        memcpy(items, values->inline_items, sizeof values->inline_items);
    }
    values->items = items;
    values->capacity = capacity;
    return 1;
}

sb__value *sb__values_extend(sb_values *values)
{
    if (values->count == values->capacity && !grow(values)) {
        return NULL;
    }
    return &values->items[values->count++];
}

sb_status sb__values_borrow(sb_values *values, sb_type type, const char *data, size_t len)
{
    sb__value *value = sb__values_extend(values);

    if (!value) {
        return sb__fail_nomem();
    }
    value->type = type;
    value->owned = 0;
    value->data = data;
    value->len = len;
    return SB_OK;
}

/* Begins each public function that appends. */
static sb_status enter(const sb_values *values)
{
    sb__error_clear();
    return values ? SB_OK : sb__fail(SB_EINVALID, "values must not be NULL");
}

sb_status sb_values_add_null(sb_values *values)
{
    sb_status status = enter(values);

    return status ? status : sb__values_borrow(values, SB_NULL, NULL, 0);
}

sb_status sb_values_add_int64(sb_values *values, int64_t integer)
{
    sb_status status = enter(values);

    if (!status) {
        status = sb__values_borrow(values, SB_INT64, NULL, 0);
    }
    if (!status) {
        values->items[values->count - 1].as.integer = integer;
    }
    return status;
}

sb_status sb_values_add_double(sb_values *values, double number)
{
    sb_status status = enter(values);

    if (!status) {
        status = sb__values_borrow(values, SB_DOUBLE, NULL, 0);
    }
    if (!status) {
        values->items[values->count - 1].as.number = number;
    }
    return status;
}

static sb_status add_copy(sb_values *values, sb_type type, const char *data, size_t len)
{
    char *copy = sb__strndup(data, len);
    sb_status status;

    if (!copy) {
        return sb__fail_nomem();
    }
    status = sb__values_borrow(values, type, copy, len);
    if (status) {
        sb_free(copy);
        return status;
    }
    values->items[values->count - 1].owned = 1;
    return SB_OK;
}

sb_status sb_values_add_text(sb_values *values, const char *text, size_t text_len)
{
    sb_status status = enter(values);

    if (status) {
        return status;
    }
    if (!text) {
        return sb__fail(SB_EINVALID, "text must not be NULL");
    }
    return add_copy(values, SB_TEXT, text, text_len == (size_t)SB_NTS ? strlen(text) : text_len);
}

sb_status sb_values_lend_text(sb_values *values, const char *text, size_t text_len)
{
    sb_status status = enter(values);

    if (status) {
        return status;
    }
    if (!text) {
        return sb__fail(SB_EINVALID, "text must not be NULL");
    }
    return sb__values_borrow(values, SB_TEXT, text,
                             text_len == (size_t)SB_NTS ? strlen(text) : text_len);
}

sb_status sb_values_add_blob(sb_values *values, const void *bytes, size_t size)
{
    sb_status status = enter(values);

    if (status) {
        return status;
    }
    if (!bytes && size) {
        return sb__fail(SB_EINVALID, "bytes must not be NULL");
    }
    return add_copy(values, SB_BLOB, bytes, size);
}

size_t sb_values_count(const sb_values *values)
{
    return values ? values->count : 0;
}

static const sb__value *item(const sb_values *values, size_t index)
{
    static const sb__value null_value = {SB_NULL, 0, {0}, NULL, 0};

    return values && index < values->count ? &values->items[index] : &null_value;
}

sb_type sb_values_type(const sb_values *values, size_t index)
{
    return item(values, index)->type;
}

int64_t sb_values_int64(const sb_values *values, size_t index)
{
    const sb__value *value = item(values, index);

    if (value->type == SB_DOUBLE) {
        double number = value->as.number;

        return number >= -9223372036854775808.0 && number < 9223372036854775808.0
                   ? (int64_t)number
                   : 0;
    }
    return value->type == SB_INT64 || value->type == SB_BOOL ? value->as.integer : 0;
}

double sb_values_double(const sb_values *values, size_t index)
{
    const sb__value *value = item(values, index);

    if (value->type == SB_INT64 || value->type == SB_BOOL) {
        return (double)value->as.integer;
    }
    return value->type == SB_DOUBLE ? value->as.number : 0;
}

const char *sb_values_text(size_t *out_len, const sb_values *values, size_t index)
{
    const sb__value *value = item(values, index);
    int is_text = value->type == SB_TEXT || value->type == SB_BLOB;

    if (out_len) {
        *out_len = is_text ? value->len : 0;
    }
    return is_text ? (value->data ? value->data : "") : NULL;
}
