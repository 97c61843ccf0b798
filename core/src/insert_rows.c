/*
 * Rows of many messages: a statement for each, where that costs little; a foreign runner gets many in
 * one. (Ten in one are no faster than ten statements: SQLite prepares to undo such a statement.)
 */
#include "insert_rows.h"

#include <string.h>

#include "arguments.h"
#include "runner.h"
#include "sql.h"
#include "value.h"

/* A batch mostly names one queue again and again: only a change of name is checked. */
sb_status sb__batch_check_at(const sb_messages *messages, size_t index, const sb_broker *broker)
{
    size_t len, previous_len = 0, body_len;
    const char *queue = sb_messages_queue(&len, messages, index);
    const char *previous =
        index ? sb_messages_queue(&previous_len, messages, index - 1) : NULL;
    sb_status status = SB_OK;

    if (!queue || !previous || len != previous_len || memcmp(queue, previous, len) != 0) {
        status = sb__argument_queue(&len, queue, "queue of a message");
    }
    if (!status) {
        const char *body = sb_messages_body(&body_len, messages, index);

        status = sb__argument_body(&body_len, body, broker);
    }
    return status;
}

/* Appends what one row needs; the texts are borrowed. */
static sb_status add_row(sb__call *call, sb_values *params, const sb_messages *messages, const int64_t *ids,
                         size_t index)
{
    size_t len;
    const char *text = sb_messages_queue(&len, messages, index);
    sb_status status = sb__values_borrow(params, SB_TEXT, text, len);

    sb__rings_add(&call->rings, text, len);
    if (!status) {
        text = sb_messages_body(&len, messages, index);
        status = sb__values_borrow(params, SB_TEXT, text, len);
    }
    if (!status) {
        status = sb_values_add_int64(params, ids ? ids[index] : sb_messages_id(messages, index));
    }
    return status;
}

sb_status sb__insert_rows(sb__call *call, const sb_messages *messages, const int64_t *ids,
                          size_t first, size_t end)
{
    const sb__sql *sql = call->broker->sql;
    int is_foreign = !call->runner->sqlite;
    sb_status status = SB_OK;
    sb_values params;

    sb__values_init(&params);
    while (first < end && !status) {
        int at_once = is_foreign && end - first >= SB__SOME;
        size_t stop = first + (at_once ? SB__SOME : 1);

        sb_values_clear(&params);
        while (first < stop && !status) {
            status = add_row(call, &params, messages, ids, first++);
        }
        if (!status) {
            status = sb__run(call->runner, at_once ? sql->insert_some : sql->insert, &params,
                             NULL, NULL);
        }
    }
    sb__values_dispose(&params);
    return status;
}
