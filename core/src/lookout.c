/*
 * Reading for those who wait. New rows are found by their storage ids, which only grow, whatever
 * the number of queues: an id is seen when all smaller ones have been, since writers commit one
 * after the other. Rows that moved keep theirs, and are found by asking for each queue.
 */
#include "lookout.h"

#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "error.h"
#include "params.h"
#include "runner_sqlite.h"
#include "sql.h"

enum {
    ROWS_AT_ONCE = 1000,
    REST_FACTOR = 10 /* asking for each queue takes at most a tenth of the time */
};

int sb__lookout_is_connected(const sb__lookout *lookout)
{
    return lookout->runner.sqlite && sb__sqlite_db(lookout->runner.sqlite);
}

void sb__lookout_disconnect(sb__lookout *lookout)
{
    if (lookout->runner.sqlite) {
        sb__runner_dispose(&lookout->runner);
    }
    memset(&lookout->runner, 0, sizeof lookout->runner);
}

sb_status sb__lookout_connect(sb__lookout *lookout, const char *path,
                              const sb__settings *settings)
{
    sb_status status = sb__sqlite_runner_new(&lookout->runner, path);

    if (!status) {
        status = sb__sqlite_connect(lookout->runner.sqlite, 0);
    }
    if (!status) {
        status = sb__sqlite_apply_settings(lookout->runner.sqlite, settings);
    }
    if (!status) {
        sb__sqlite_set_wait(lookout->runner.sqlite, INT64_MAX, NULL);
        lookout->newest_row = 0; /* of this file, which may have no table yet */
        lookout->version = sb__sqlite_data_version(lookout->runner.sqlite);
        if (lookout->version < 0) { /* this also has SQLite open the WAL */
            status = sb__fail(SB_EOPERATIONAL, "cannot read %s", path);
        }
    }
    if (status) {
        sb__lookout_disconnect(lookout);
    }
    return status;
}

sb_status sb__lookout_close_inherited(sb__lookout *lookout)
{
    sb_status status =
        lookout->runner.sqlite ? sb__sqlite_close_inherited(lookout->runner.sqlite) : SB_OK;

    if (!status) {
        sb__lookout_disconnect(lookout);
    }
    return status;
}

int sb__lookout_is_current(const sb__lookout *lookout)
{
    uint64_t device, inode;
    struct stat info;

    if (!sb__lookout_is_connected(lookout)) {
        return lookout->broker != NULL;
    }
    sb__sqlite_file_id(lookout->runner.sqlite, &device, &inode);
    return !stat(sb__sqlite_path(lookout->runner.sqlite), &info) &&
           (uint64_t)info.st_dev == device && (uint64_t)info.st_ino == inode;
}

/* The counter of a broker's connection does not count the commits of that connection. */
static int has_changed_by_broker(sb__lookout *lookout)
{
    uint64_t commits = atomic_load(&lookout->broker->pending_commits);
    uint64_t commits_before = lookout->own_commits;
    int64_t version, before = lookout->version;

    lookout->own_commits = commits;
    if (sb_data_version(&version, lookout->broker)) {
        lookout->version = -1;
        return -1;
    }
    lookout->version = version;
    return version != before || commits != commits_before;
}

int sb__lookout_has_changed(sb__lookout *lookout)
{
    int64_t before = lookout->version;

    if (!sb__lookout_is_connected(lookout)) {
        return lookout->broker ? has_changed_by_broker(lookout) : 0;
    }
    lookout->version = sb__sqlite_data_version(lookout->runner.sqlite);
    return lookout->version < 0 ? -1 : lookout->version != before;
}

static int has_pending_by_broker(sb_broker *broker, const char *queue, size_t len, int64_t after)
{
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.after = after;
    return !len || !broker ||
           sb_has_pending(broker, queue, len, after < 0 ? NULL : &options) != SB_EMPTY;
}

int sb__lookout_has_pending(sb__lookout *lookout, const char *queue, size_t len, int64_t after)
{
    const sb__sql *sql = &sb__sql_sqlite;
    sb_values params;
    int64_t one;

    if (!sb__lookout_is_connected(lookout)) {
        return has_pending_by_broker(lookout->broker, queue, len, after);
    }
    if (!len) {
        return sb__run_int64(&one, &lookout->runner, sql->any_pending, NULL) != SB_EMPTY;
    }
    sb__params_text(&params, queue, len);
    if (after >= 0) {
        sb__params_add_int64(&params, after);
        sb__params_add_int64(&params, INT64_MAX);
    }
    return sb__run_int64(&one, &lookout->runner,
                         after < 0 ? sql->has_pending : sql->has_pending_bounded,
                         &params) != SB_EMPTY;
}

/* Tells each subscription whose messages are there; of those that do not look above an id, all or
 * none. */
static void look_at_topic(sb__lookout *lookout, sb__topic *topic, sb__ready_fn tell)
{
    int any = sb__lookout_has_pending(lookout, topic->name, topic->len, -1);

    for (sb__subscription *s = topic->first; s && any; s = s->next) {
        if (!s->ready && (s->after < 0 || sb__lookout_has_pending(lookout, topic->name, topic->len,
                                                                  s->after))) {
            tell(s->owner, s);
        }
    }
}

/* While others move messages all the time this must not become all that the thread does. */
static void look_at_each(sb__lookout *lookout, sb__topics *topics, sb__ready_fn tell)
{
    int64_t start = sb__clock_monotonic_ns(), end;

    lookout->owes_round = 1;
    if (start < lookout->next_round_ns) {
        return;
    }
    for (sb__topic *topic = sb__topics_first(topics); topic;
         topic = sb__topics_next(topics, topic)) {
        look_at_topic(lookout, topic, tell);
    }
    end = sb__clock_monotonic_ns();
    lookout->owes_round = 0;
    lookout->next_round_ns = end + (end - start) * REST_FACTOR;
}

typedef struct fresh_rows {
    sb__topics *topics;
    sb__topic *first; /* those that have rows */
    int64_t newest;
    int64_t rows, pending;
    int64_t greatest;
} fresh_rows;

static sb_status count_row(void *payload, const sb_values *row)
{
    fresh_rows *fresh = payload;
    size_t len;
    const char *queue = sb_values_text(&len, row, 1);
    int64_t id = sb_values_int64(row, 2);
    sb__topic *topic;

    fresh->newest = sb_values_int64(row, 0);
    fresh->rows++;
    if (sb_values_int64(row, 3)) {
        return SB_OK;
    }
    fresh->pending++;
    fresh->greatest = id > fresh->greatest ? id : fresh->greatest;
    topic = queue && len ? sb__topics_find(fresh->topics, queue, len) : NULL;
    if (topic) {
        if (!topic->fresh) {
            topic->greatest = id;
            topic->next_fresh = fresh->first;
            fresh->first = topic;
        }
        topic->fresh++;
        topic->greatest = id > topic->greatest ? id : topic->greatest;
    }
    return SB_OK;
}

static void tell_of_fresh(const fresh_rows *fresh, sb__ready_fn tell)
{
    for (sb__topic *topic = fresh->first; topic; topic = topic->next_fresh) {
        int64_t messages = topic->fresh;

        topic->fresh = 0;
        sb__topic_tell(topic, messages, topic->greatest, tell);
    }
    if (fresh->topics->any && fresh->pending) {
        sb__topic_tell(fresh->topics->any, fresh->pending, fresh->greatest, tell);
    }
}

static void read_newest_row(sb__lookout *lookout)
{
    int64_t newest;

    if (sb__run_int64(&newest, &lookout->runner, sb__sql_sqlite.newest_row, NULL) == SB_OK) {
        lookout->newest_row = newest;
    }
}

/* Whether all new rows have been seen. */
static int look_at_fresh(sb__lookout *lookout, sb__topics *topics, sb__ready_fn tell)
{
    fresh_rows fresh = {.topics = topics, .newest = lookout->newest_row};
    sb_values params;
    sb_status status;

    sb__values_init(&params);
    sb__params_add_int64(&params, lookout->newest_row);
    sb__params_add_int64(&params, ROWS_AT_ONCE);
    status = sb__run(&lookout->runner, sb__sql_sqlite.rows_above, &params, count_row, &fresh);
    tell_of_fresh(&fresh, tell);
    lookout->newest_row = fresh.newest;
    if (!status && fresh.rows == ROWS_AT_ONCE) {
        read_newest_row(lookout);
        return 0;
    }
    return !status;
}

void sb__lookout_look(sb__lookout *lookout, sb__topics *topics, int moved, sb__ready_fn tell)
{
    if (!sb__lookout_is_connected(lookout) || !look_at_fresh(lookout, topics, tell) || moved) {
        look_at_each(lookout, topics, tell);
    }
}

void sb__lookout_look_at_all(sb__lookout *lookout, sb__topics *topics, sb__ready_fn tell)
{
    sb__lookout_has_changed(lookout);
    if (sb__lookout_is_connected(lookout)) {
        read_newest_row(lookout);
    }
    lookout->next_round_ns = 0;
    look_at_each(lookout, topics, tell);
}
