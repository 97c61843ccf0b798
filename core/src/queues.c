/*
 * Which queues there are. A queue is nothing but its rows; the names are found by skipping through
 * an index from one to the next, so that the cost follows the number of queues, not of messages.
 */
#include "queues.h"

#include <string.h>

#include "alloc.h"
#include "arguments.h"
#include "error.h"
#include "glob.h"
#include "params.h"
#include "queue_name.h"
#include "runner.h"
#include "sql.h"
#include "str.h"
#include "txn.h"

typedef struct queue_entry {
    size_t name, name_len; /* in the text, followed by NUL */
    int64_t pending, total;
} queue_entry;

struct sb_queues {
    size_t count, capacity;
    queue_entry *entries;
    sb__str names;
};

/* A half-open range of texts: no text of UTF-8 sorts above U+10FFFF. */
typedef struct name_range {
    size_t from_len;
    size_t below_len;
    char below[SB_QUEUE_NAME_MAX + 4];
} name_range;

static const char above_all[] = "\xF4\x8F\xBF\xBF";

sb__queue_filter sb__queue_filter_of(const char *pattern, size_t pattern_len)
{
    sb__queue_filter filter = {pattern, sb__glob_stem(pattern, pattern_len), pattern, pattern_len};

    return filter;
}

/* The range of a stem, or of as much of it as has a plain successor. */
static void find_range(name_range *range, const sb__queue_filter *filter)
{
    size_t len = 0;

    while (len < filter->stem_len && len < SB_QUEUE_NAME_MAX &&
           (unsigned char)filter->stem[len] < 0x7F) {
        len++;
    }
    range->from_len = len;
    if (len) {
        memcpy(range->below, filter->stem, len);
        range->below[len - 1]++;
        range->below_len = len;
    } else {
        range->below_len = sizeof above_all - 1;
        memcpy(range->below, above_all, range->below_len);
    }
}

typedef struct collection {
    sb_queues *queues;
    const sb__queue_filter *filter;
    const char *columns;
} collection;

static int is_wanted(const sb__queue_filter *filter, const char *name, size_t len)
{
    if (filter->pattern) {
        return sb__glob_match(filter->pattern, filter->pattern_len, name, len);
    }
    return filter->stem_len == 0 ||
           (len >= filter->stem_len && memcmp(name, filter->stem, filter->stem_len) == 0);
}

static queue_entry *extend(sb_queues *queues)
{
    if (queues->count == queues->capacity) {
        size_t capacity = queues->capacity ? queues->capacity * 2 : 16;
        queue_entry *grown = sb__realloc(queues->entries, capacity * sizeof *grown);

        if (!grown) {
            return NULL;
        }
        queues->entries = grown;
        queues->capacity = capacity;
    }
    return &queues->entries[queues->count++];
}

static sb_status take_queue(void *payload, const sb_values *row)
{
    const collection *c = payload;
    size_t len;
    const char *name = sb_values_text(&len, row, 0);
    queue_entry *entry;
    sb_status status = sb__row_check(row, c->columns);

    if (status || !is_wanted(c->filter, name, len)) {
        return status;
    }
    entry = extend(c->queues);
    if (!entry) {
        return sb__fail_nomem();
    }
    entry->name = c->queues->names.len;
    entry->name_len = len;
    entry->pending = sb_values_int64(row, 1);
    entry->total = sb_values_int64(row, 2);
    sb__str_append(&c->queues->names, name, len);
    sb__str_append_char(&c->queues->names, '\0');
    return sb__str_check(&c->queues->names);
}

sb_queues *sb__queues_new(void)
{
    return sb__zalloc(sizeof(sb_queues));
}

sb_status sb__queues_read(sb_queues *queues, sb__call *call, const sb__queue_filter *filter,
                          int with_stats)
{
    const sb__sql *sql = call->broker->sql;
    collection c = {queues, filter, with_stats ? "tii" : "t"};
    name_range range;
    sb_values params;
    sb_status status;

    queues->count = 0;
    sb__str_reset(&queues->names);
    find_range(&range, filter);
    sb__params_text(&params, range.from_len ? filter->stem : "", range.from_len);
    sb__params_add_text(&params, range.below, range.below_len);
    status = sb__run(call->runner, with_stats ? sql->queue_list : sql->queue_names,
                     &params, take_queue, &c);
    call->rows = (int64_t)queues->count;
    return status;
}

typedef struct listing {
    sb_queues *queues;
    sb__queue_filter filter;
    int with_stats;
} listing;

static sb_status list_work(sb__call *call, void *context)
{
    const listing *l = context;

    return sb__queues_read(l->queues, call, &l->filter, l->with_stats);
}

/* No name can begin with what is refused here. */
static sb_status check_filter(const sb__queue_filter *filter)
{
    return sb__queue_prefix_check(filter->stem, filter->stem_len);
}

sb_status sb_queues_list(sb_queues **out, sb_broker *broker, const char *prefix, size_t prefix_len,
                         const char *pattern, size_t pattern_len, const sb_options *options)
{
    listing l = {0};
    sb__call call;
    sb_status status;

    if (out) {
        *out = NULL;
    }
    status = sb__enter(&call, broker, "queues_list", options);
    if (status) {
        return status;
    }
    if (!out) {
        status = sb__fail(SB_EINVALID, "out must not be NULL");
    } else if (prefix && pattern) {
        status = sb__fail(SB_EINVALID, "prefix and pattern cannot be used together");
    } else if (pattern) {
        l.filter = sb__queue_filter_of(pattern, sb__length(pattern, pattern_len));
        status = check_filter(&l.filter);
    } else {
        l.filter.stem = prefix;
        l.filter.stem_len = sb__length(prefix, prefix_len);
        status = check_filter(&l.filter);
    }
    if (!status) {
        l.with_stats = !(sb__option_flags(options) & SB_WITHOUT_STATS);
        l.queues = sb__queues_new();
        status = l.queues ? sb__look(&call, options, list_work, &l) : sb__fail_nomem();
    }
    if (!status) {
        *out = l.queues;
    } else {
        sb_queues_free(l.queues);
    }
    return sb__leave(&call, status);
}

size_t sb_queues_count(const sb_queues *queues)
{
    return queues ? queues->count : 0;
}

const char *sb_queues_name(size_t *out_len, const sb_queues *queues, size_t index)
{
    int is_there = index < sb_queues_count(queues);

    if (out_len) {
        *out_len = is_there ? queues->entries[index].name_len : 0;
    }
    return is_there ? queues->names.data + queues->entries[index].name : NULL;
}

int64_t sb_queues_pending(const sb_queues *queues, size_t index)
{
    return index < sb_queues_count(queues) ? queues->entries[index].pending : 0;
}

int64_t sb_queues_claimed(const sb_queues *queues, size_t index)
{
    return index < sb_queues_count(queues)
               ? queues->entries[index].total - queues->entries[index].pending
               : 0;
}

void sb_queues_free(sb_queues *queues)
{
    if (queues) {
        sb_free(queues->entries);
        sb__str_dispose(&queues->names);
        sb_free(queues);
    }
}
