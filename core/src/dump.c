/*
 * Dump: lines of JSON, made one at a time from pages of rows, so that memory stays bounded. The
 * high-water is read first and rows above it are left out: what is written meanwhile may be
 * missing, but nothing in the dump is newer than its header says.
 */
#include <string.h>

#include "alloc.h"
#include "broker.h"
#include "error.h"
#include "glob.h"
#include "json_out.h"
#include "message_id.h"
#include "peek.h"
#include "simplebroker.h"
#include "str.h"

enum { PAGE_ROWS = 500 };

typedef enum stage { STAGE_HEADER, STAGE_LISTS, STAGE_ALIASES, STAGE_MESSAGES, STAGE_END } stage;

struct sb_dump {
    sb_broker *broker;
    sb_options options;
    sb_strings *include; /* empty: everything */
    sb_strings *exclude;
    stage stage;
    int64_t last_ts;
    sb_aliases *aliases;
    size_t alias;
    sb_queues *queues;
    size_t queue;
    sb_messages *page; /* NULL: the next one is to be read */
    size_t row;
    int64_t above_ts; /* where the next page of the queue begins */
    sb__str line;
    sb__str line_end; /* what follows the id in each line of the current queue */
};

static sb_status copy_strings(sb_strings **out, const sb_strings *strings)
{
    *out = sb_strings_new();
    if (!*out) {
        return sb__fail_nomem();
    }
    for (size_t i = 0; i < sb_strings_count(strings); i++) {
        size_t len;
        const char *text = sb_strings_get(&len, strings, i);
        sb_status status = sb_strings_add(*out, text, len);

        if (status) {
            return status;
        }
    }
    return SB_OK;
}

sb_status sb_dump_open(sb_dump **out, sb_broker *broker, const sb_strings *include,
                       const sb_strings *exclude, const sb_options *options)
{
    sb_dump *dump;
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = sb__enter(&call, broker, "dump_open", options);
    if (status) {
        return status;
    }
    dump = sb__zalloc(sizeof *dump);
    if (!dump) {
        return sb__leave(&call, sb__fail_nomem());
    }
    sb__broker_retain(broker);
    dump->broker = broker;
    sb_options_init(&dump->options, SB_OPTIONS_VERSION);
    if (options) {
        dump->options.cancel = options->cancel;
        dump->options.timeout_ms = options->timeout_ms;
    }
    status = copy_strings(&dump->include, include);
    if (!status) {
        status = copy_strings(&dump->exclude, exclude);
    }
    if (status) {
        sb_dump_close(dump);
    } else {
        *out = dump;
    }
    return sb__leave(&call, status);
}

static int any_matches(const sb_strings *patterns, const char *name, size_t len)
{
    for (size_t i = 0; i < sb_strings_count(patterns); i++) {
        size_t pattern_len;
        const char *pattern = sb_strings_get(&pattern_len, patterns, i);

        if (sb__glob_match(pattern, pattern_len, name, len)) {
            return 1;
        }
    }
    return 0;
}

static int is_wanted(const sb_dump *dump, const char *name, size_t len)
{
    return sb_strings_count(dump->include) == 0 || any_matches(dump->include, name, len);
}

static sb_status put_header(sb_dump *dump)
{
    char id[SB_ID_DIGITS];
    sb_status status = sb_timestamp_refresh(&dump->last_ts, dump->broker, &dump->options);

    if (status) {
        return status;
    }
    sb__id_digits(id, dump->last_ts);
    sb__str_append_text(&dump->line, "{\"backend\": \"sqlite\", \"format\": \"simplebroker-dump\", "
                                     "\"last_ts\": \"");
    sb__str_append(&dump->line, id, sizeof id);
    sb__str_append_text(&dump->line, "\", \"type\": \"header\", \"version\": 1}");
    dump->stage = dump->line.failed ? STAGE_HEADER : STAGE_LISTS;
    return SB_OK;
}

static sb_status read_lists(sb_dump *dump)
{
    sb_options options = dump->options;
    sb_status status = SB_OK;

    if (!dump->aliases) {
        status = sb_alias_list(&dump->aliases, dump->broker, NULL, 0, &options);
    }
    if (!status) {
        options.flags = SB_WITHOUT_STATS;
        status = sb_queues_list(&dump->queues, dump->broker, NULL, 0, NULL, 0, &options);
    }
    if (!status) {
        dump->stage = STAGE_ALIASES;
    }
    return status;
}

/* Puts the next alias that is wanted; SB_EMPTY behind the last one. */
static sb_status put_alias(sb_dump *dump)
{
    while (dump->alias < sb_aliases_count(dump->aliases)) {
        size_t name_len, target_len;
        const char *name = sb_aliases_name(&name_len, dump->aliases, dump->alias);
        const char *target = sb_aliases_target(&target_len, dump->aliases, dump->alias);

        if ((is_wanted(dump, name, name_len) || is_wanted(dump, target, target_len)) &&
            !any_matches(dump->exclude, name, name_len) &&
            !any_matches(dump->exclude, target, target_len)) {
            sb__str_append_text(&dump->line, "{\"alias\": ");
            sb__json_string(&dump->line, name, name_len);
            sb__str_append_text(&dump->line, ", \"target\": ");
            sb__json_string(&dump->line, target, target_len);
            sb__str_append_text(&dump->line, ", \"type\": \"alias\"}");
            dump->alias += !dump->line.failed;
            return SB_OK;
        }
        dump->alias++;
    }
    dump->stage = STAGE_MESSAGES;
    return SB_EMPTY;
}

static sb_status begin_queue(sb_dump *dump, const char *name, size_t len)
{
    sb_status status;

    if (dump->line_end.len > 0) {
        return SB_OK;
    }
    dump->above_ts = -1;
    sb__str_append_text(&dump->line_end, "\", \"queue\": ");
    sb__json_string(&dump->line_end, name, len);
    sb__str_append_text(&dump->line_end, ", \"type\": \"message\"}");
    status = sb__str_check(&dump->line_end);
    if (status) {
        sb__str_reset(&dump->line_end);
    }
    return status;
}

/* Reads the next page that has a row; SB_EMPTY when all queues are done. */
static sb_status read_page(sb_dump *dump)
{
    for (; dump->queue < sb_queues_count(dump->queues); dump->queue++) {
        size_t len;
        const char *name = sb_queues_name(&len, dump->queues, dump->queue);
        sb_status status = SB_EMPTY;

        if (is_wanted(dump, name, len) && !any_matches(dump->exclude, name, len)) {
            status = begin_queue(dump, name, len);
            if (!status) {
                status = sb__peek_by_ts(&dump->page, dump->broker, name, len, dump->above_ts,
                                        dump->last_ts, PAGE_ROWS, &dump->options);
            }
        }
        if (status != SB_EMPTY) {
            dump->row = 0;
            return status;
        }
        sb__str_reset(&dump->line_end);
    }
    dump->stage = STAGE_END;
    return SB_EMPTY;
}

static sb_status put_message(sb_dump *dump)
{
    static const char begin[] = "{\"body\": ";
    static const char middle[] = ", \"id\": \"";
    char id[SB_ID_DIGITS];
    const char *body;
    size_t len;

    if (!dump->page) {
        sb_status status = read_page(dump);

        if (status) {
            return status;
        }
    }
    body = sb_messages_body(&len, dump->page, dump->row);
    dump->above_ts = sb_messages_id(dump->page, dump->row);
    sb__id_digits(id, dump->above_ts);
    sb__str_append(&dump->line, begin, sizeof begin - 1);
    sb__json_string(&dump->line, body, len);
    sb__str_append(&dump->line, middle, sizeof middle - 1);
    sb__str_append(&dump->line, id, sizeof id);
    sb__str_append(&dump->line, dump->line_end.data, dump->line_end.len);
    if (dump->line.failed) {
        return SB_OK;
    }
    if (++dump->row == sb_messages_count(dump->page)) {
        sb_messages_free(dump->page);
        dump->page = NULL;
    }
    return SB_OK;
}

/* A line for which memory ran out is the next one again. */
static sb_status put_line(sb_dump *dump)
{
    sb_status status = SB_OK;

    if (dump->stage == STAGE_HEADER) {
        return put_header(dump);
    }
    if (dump->stage == STAGE_LISTS) {
        status = read_lists(dump);
    }
    if (!status && dump->stage == STAGE_ALIASES) {
        status = put_alias(dump);
        if (status != SB_EMPTY) {
            return status;
        }
        status = SB_OK;
    }
    if (!status) {
        status = dump->stage == STAGE_MESSAGES ? put_message(dump) : SB_EMPTY;
    }
    return status;
}

sb_status sb_dump_next(const char **out, size_t *out_len, sb_dump *dump)
{
    sb_status status;

    sb__error_clear();
    if (!dump) {
        return sb__fail(SB_EINVALID, "dump must not be NULL");
    }
    sb__str_reset(&dump->line);
    status = put_line(dump);
    if (!status) {
        status = sb__str_check(&dump->line);
    }
    if (!status) {
        if (out) {
            *out = dump->line.data;
        }
        if (out_len) {
            *out_len = dump->line.len;
        }
    }
    return status;
}

void sb_dump_close(sb_dump *dump)
{
    sb_error saved;

    if (!dump) {
        return;
    }
    sb__error_stash(&saved);
    sb_strings_free(dump->include);
    sb_strings_free(dump->exclude);
    sb_aliases_free(dump->aliases);
    sb_queues_free(dump->queues);
    sb_messages_free(dump->page);
    sb__str_dispose(&dump->line);
    sb__str_dispose(&dump->line_end);
    sb__broker_release(dump->broker);
    sb_free(dump);
    sb__error_unstash(&saved);
}
