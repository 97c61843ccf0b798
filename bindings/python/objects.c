/*
 * What would be a loop of calls into C if it were written in Python. The extension module gives up
 * the interpreter's lock for every call; here it is taken again.
 */
#include "interpreter.h"
#include "objects.h"

#include <string.h>

/* Takes over the item; NULL is passed on. */
static int append(PyObject *list, PyObject *item)
{
    int failed = !item || PyList_Append(list, item);

    Py_XDECREF(item);
    return failed;
}

/* Begins each function that builds: takes the interpreter's lock, unless there is none any more. */
static int start(PyGILState_STATE *lock)
{
    if (sbpy_is_gone()) {
        return -1;
    }
    *lock = PyGILState_Ensure();
    return 0;
}

/* Ends each function that builds. What went wrong shows when Python code does the same again. */
static int finish(PyGILState_STATE lock, int failed)
{
    if (failed) {
        PyErr_Clear();
    }
    PyGILState_Release(lock);
    return failed ? -1 : 0;
}

static PyObject *item(const char *body, size_t len, int64_t id, int with_id)
{
    PyObject *text = PyUnicode_DecodeUTF8(body, (Py_ssize_t)len, NULL);
    PyObject *number, *pair;

    if (!with_id || !text) {
        return text;
    }
    number = PyLong_FromLongLong(id);
    pair = number ? PyTuple_Pack(2, text, number) : NULL;
    Py_DECREF(text);
    Py_XDECREF(number);
    return pair;
}

static PyObject *item_at(const sb_messages *messages, size_t index, int with_id)
{
    size_t len;
    const char *body = sb_messages_body(&len, messages, index);

    return item(body, len, sb_messages_id(messages, index), with_id);
}

int sbpy_take(uintptr_t list, const sb_messages *messages, int with_ids)
{
    PyGILState_STATE lock;
    size_t count = sb_messages_count(messages);
    int failed = start(&lock);

    if (failed) {
        return failed;
    }
    for (size_t i = 0; i < count && !failed; i++) {
        failed = append((PyObject *)list, item_at(messages, i, with_ids));
    }
    return finish(lock, failed);
}

static sb_status take_one(uintptr_t list, sb_messages *messages, int with_ids)
{
    static const char text[] = "a message could not be read: its body is not UTF-8, or there is "
                               "no memory for it";
    int failed = sbpy_take(list, messages, with_ids);

    sb_messages_free(messages);
    return failed ? sb_error_set(SB_EOPERATIONAL, text, sizeof text - 1, 0) : SB_OK;
}

sb_status sbpy_claim_one(uintptr_t list, sb_broker *broker, const char *queue, size_t queue_len,
                         const sb_options *options, int with_ids)
{
    sb_messages *messages;
    sb_status status = sb_claim(&messages, broker, queue, queue_len, 1, options);

    return status ? status : take_one(list, messages, with_ids);
}

sb_status sbpy_peek_one(uintptr_t list, sb_broker *broker, const char *queue, size_t queue_len,
                        const sb_options *options, int with_ids)
{
    sb_messages *messages;
    sb_status status = sb_peek(&messages, broker, queue, queue_len, 1, options);

    return status ? status : take_one(list, messages, with_ids);
}

sb_status sbpy_cursor_take(uintptr_t list, sb_cursor *cursor, int with_ids)
{
    PyGILState_STATE lock = PyGILState_Ensure();
    sb_status status = SB_OK;
    int failed = 0;

    /* What is at hand needs no waiting, so that the lock can be kept. */
    while (!status && !failed && sb_cursor_at_hand(cursor)) {
        const char *body;
        size_t len;
        int64_t id;

        status = sb_cursor_next(&id, &body, &len, cursor);
        failed = !status && append((PyObject *)list, item(body, len, id, with_ids));
    }
    if (failed) {
        status = sb_error_set(SB_ENOMEM, "out of memory", 13, -1);
    }
    finish(lock, failed);
    return status;
}

/* The UTF-8 of a plain string, which keeps it; NULL, with nothing noted, for anything else. */
static const char *utf8(PyObject *text, size_t *len)
{
    Py_ssize_t size = 0;
    const char *data = PyUnicode_CheckExact(text) ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;

    if (!data) {
        PyErr_Clear();
    }
    *len = (size_t)size;
    return data;
}

sb_status sbpy_add_bodies(sb_messages *messages, uintptr_t list, size_t *next, const char *queue,
                          size_t queue_len)
{
    PyGILState_STATE lock = PyGILState_Ensure();
    PyObject *bodies = (PyObject *)list;
    sb_status status = SB_OK;

    for (; *next < (size_t)PyList_Size(bodies); ++*next) {
        size_t len;
        const char *body = utf8(PyList_GetItem(bodies, (Py_ssize_t)*next), &len);

        status = body ? sb_messages_add(messages, queue, queue_len, body, len, 0) : SB_EMPTY;
        if (status) {
            break;
        }
    }
    PyGILState_Release(lock);
    return status;
}

static sb_status add_record(sb_messages *messages, PyObject *record)
{
    const char *queue, *body;
    size_t queue_len, body_len;
    PyObject *number;
    long long id;
    int overflow;

    if (!PyTuple_CheckExact(record) || PyTuple_Size(record) != 3) {
        return SB_EMPTY;
    }
    number = PyTuple_GetItem(record, 2);
    queue = utf8(PyTuple_GetItem(record, 0), &queue_len);
    body = utf8(PyTuple_GetItem(record, 1), &body_len);
    if (!queue || !body || !PyLong_CheckExact(number)) {
        return SB_EMPTY;
    }
    id = PyLong_AsLongLongAndOverflow(number, &overflow);
    return overflow || id < 0
               ? SB_EMPTY
               : sb_messages_add(messages, queue, queue_len, body, body_len, id);
}

sb_status sbpy_add_records(sb_messages *messages, uintptr_t list, size_t *next)
{
    PyGILState_STATE lock = PyGILState_Ensure();
    PyObject *records = (PyObject *)list;
    sb_status status = SB_OK;

    for (; *next < (size_t)PyList_Size(records); ++*next) {
        status = add_record(messages, PyList_GetItem(records, (Py_ssize_t)*next));
        if (status) {
            break;
        }
    }
    PyGILState_Release(lock);
    return status;
}

int sbpy_take_ids(uintptr_t list, const sb_messages *messages)
{
    PyGILState_STATE lock;
    size_t count = sb_messages_count(messages);
    int failed = start(&lock);

    if (failed) {
        return failed;
    }
    for (size_t i = 0; i < count && !failed; i++) {
        failed = append((PyObject *)list, PyLong_FromLongLong(sb_messages_id(messages, i)));
    }
    return finish(lock, failed);
}

static PyObject *value_at(const sb_values *values, size_t index)
{
    size_t len;
    const char *text = sb_values_text(&len, values, index);

    switch (sb_values_type(values, index)) {
    case SB_BOOL:
        return PyBool_FromLong(sb_values_int64(values, index) != 0);
    case SB_INT64:
        return PyLong_FromLongLong(sb_values_int64(values, index));
    case SB_DOUBLE:
        return PyFloat_FromDouble(sb_values_double(values, index));
    case SB_TEXT:
        return PyUnicode_DecodeUTF8(text, (Py_ssize_t)len, NULL);
    case SB_BLOB:
        return PyBytes_FromStringAndSize(text, (Py_ssize_t)len);
    default:
        Py_INCREF(Py_None);
        return Py_None;
    }
}

/* Statements that came along lately, by their addresses: mostly they are constants of the library.
 * Guarded by the interpreter's lock. */
enum { STATEMENTS = 128 };

typedef struct statement {
    const char *address;
    char *copy;
    size_t len;
    PyObject *text;
} statement;

static statement statements[STATEMENTS];

static void keep_statement(statement *kept, const char *sql, size_t len, PyObject *text)
{
    char *copy = sb_alloc(len + 1);

    if (copy) {
        memcpy(copy, sql, len + 1);
        Py_XDECREF(kept->text);
        sb_free(kept->copy);
        Py_INCREF(text);
        *kept = (statement){sql, copy, len, text};
    }
}

/* The text of a statement: the same object each time, so that drivers find theirs quickly. */
static PyObject *statement_text(const char *sql, size_t len)
{
    statement *kept = &statements[((uintptr_t)sql >> 4) % STATEMENTS];
    PyObject *text;

    if (kept->address == sql && kept->len == len && memcmp(kept->copy, sql, len) == 0) {
        Py_INCREF(kept->text);
        return kept->text;
    }
    text = PyUnicode_DecodeUTF8(sql, (Py_ssize_t)len, NULL);
    if (text) {
        keep_statement(kept, sql, len, text);
    }
    return text;
}

static PyObject *tuple_of(const sb_values *values)
{
    Py_ssize_t count = (Py_ssize_t)sb_values_count(values);
    PyObject *tuple = PyTuple_New(count);

    for (Py_ssize_t i = 0; i < count && tuple; i++) {
        PyObject *value = value_at(values, (size_t)i);

        if (!value || PyTuple_SetItem(tuple, i, value)) {
            Py_DECREF(tuple);
            tuple = NULL;
        }
    }
    return tuple;
}

int sbpy_take_call(uintptr_t list, const char *sql, size_t sql_len, const sb_values *params)
{
    PyGILState_STATE lock = PyGILState_Ensure();
    int failed = append((PyObject *)list, statement_text(sql, sql_len)) ||
                 append((PyObject *)list, tuple_of(params));

    return finish(lock, failed);
}

int sbpy_take_values(uintptr_t list, const sb_values *values)
{
    PyGILState_STATE lock;
    size_t count = sb_values_count(values);
    int failed = start(&lock);

    if (failed) {
        return failed;
    }
    for (size_t i = 0; i < count && !failed; i++) {
        failed = append((PyObject *)list, value_at(values, i));
    }
    return finish(lock, failed);
}

/* SB_EMPTY, with whatever Python has noted cleared, for what is not one of the types. */
static sb_status add(sb_values *row, PyObject *value)
{
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);

        return overflow ? SB_EMPTY : sb_values_add_int64(row, number);
    }
    if (PyUnicode_CheckExact(value)) {
        size_t len;
        const char *text = utf8(value, &len);

        return text ? sb_values_lend_text(row, text, len) : SB_EMPTY;
    }
    if (PyFloat_CheckExact(value)) {
        return sb_values_add_double(row, PyFloat_AsDouble(value));
    }
    if (PyBytes_CheckExact(value)) {
        return sb_values_add_blob(row, PyBytes_AsString(value), (size_t)PyBytes_Size(value));
    }
    return value == Py_None ? sb_values_add_null(row) : SB_EMPTY;
}

static sb_status push_row(sb_rows *rows, sb_values *row, PyObject *tuple)
{
    sb_status status = SB_OK;
    Py_ssize_t size;

    if (!PyTuple_CheckExact(tuple)) {
        return SB_EMPTY;
    }
    sb_values_clear(row);
    size = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < size && !status; i++) {
        status = add(row, PyTuple_GetItem(tuple, i));
    }
    return status ? status : sb_rows_push(rows, row);
}

sb_status sbpy_push(sb_rows *rows, uintptr_t list, size_t *next)
{
    PyGILState_STATE lock;
    PyObject *items = (PyObject *)list;
    sb_values *row;
    sb_status status;

    if (start(&lock)) {
        return SB_ECLOSED;
    }
    row = sb_values_new();
    status = row ? SB_OK : SB_EMPTY;
    while (!status && *next < (size_t)PyList_Size(items)) {
        status = push_row(rows, row, PyList_GetItem(items, (Py_ssize_t)*next));
        if (!status) {
            ++*next;
        }
    }
    sb_values_free(row);
    PyGILState_Release(lock);
    return status;
}

sb_status sbpy_txn_commit(sb_txn **txn)
{
    sb_txn *ended = *txn;

    *txn = NULL;
    return ended ? sb_txn_commit(ended) : SB_OK;
}

void sbpy_txn_rollback(sb_txn **txn)
{
    sb_txn *ended = *txn;

    *txn = NULL;
    sb_txn_rollback(ended);
}

void sbpy_cursor_close(sb_cursor **cursor)
{
    sb_cursor *ended = *cursor;

    *cursor = NULL;
    sb_cursor_close(ended);
}
