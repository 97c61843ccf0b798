/*
 * The stage on which operations fail: contents that are set and read by a plain connection.
 */
#include "operations.h"

static void observe(stage *st, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(st->observer, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

int stage_open(void **state)
{
    stage *st = calloc(1, sizeof *st);
    void *s = NULL;

    if (!st || scratch_open(&s)) {
        return -1;
    }
    st->s = s;
    snprintf(st->spare, sizeof st->spare, "%s/spare.db", st->s->directory);
    if (sqlite3_open(st->s->path, &st->observer) != SQLITE_OK) {
        return -1;
    }
    sqlite3_busy_timeout(st->observer, 5000);
    observe(st, "PRAGMA synchronous = OFF");
    *state = st;
    return 0;
}

int stage_close(void **state)
{
    stage *st = *state;
    void *s = st->s;

    sqlite3_close(st->observer);
    free(st);
    return scratch_free(&s);
}

void stage_reset(stage *st)
{
    static const char sql[] =
        "BEGIN IMMEDIATE;"
        "DELETE FROM messages; DELETE FROM queue_aliases;"
        "INSERT INTO messages (queue, body, ts, claimed) VALUES "
        "('q', 'first of q', 1700000000000000000, 0), ('q', 'second', 1700000000000004096, 0),"
        "('q', 'third', 1700000000000008192, 0), ('q', 'fourth', 1700000000000012288, 0),"
        "('q', 'fifth', 1700000000000016384, 0), ('q', 'was claimed', 1700000000000020480, 1),"
        "('r', 'first of r', 1700000000000024576, 0), ('r', 'second', 1700000000000028672, 0);"
        "INSERT INTO queue_aliases VALUES ('a', 'q');"
        "UPDATE meta SET value = value + 1 WHERE key = 'alias_version';"
        "CREATE TABLE IF NOT EXISTS notes (note TEXT); DELETE FROM notes;"
        "COMMIT";
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".status"};

    observe(st, sql);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[sizeof st->spare + 16];

        snprintf(path, sizeof path, "%s%s", st->spare, suffixes[i]);
        unlink(path);
    }
    stage_contents(st->before, sizeof st->before, st);
}

static void append_rows(char *out, size_t size, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        size_t used = strlen(out);

        snprintf(out + used, size - used, "%s\n", (const char *)sqlite3_column_text(statement, 0));
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

void stage_contents(char *out, size_t size, stage *st)
{
    *out = '\0';
    append_rows(out, size, st->observer,
                "SELECT queue || ' ' || body || ' ' || ts || ' ' || claimed FROM messages "
                "ORDER BY id");
    append_rows(out, size, st->observer, "SELECT '@' || alias || target FROM queue_aliases");
    append_rows(out, size, st->observer, "SELECT '#' || note FROM notes");
}

void stage_reopen(stage *st)
{
    sb_close(st->s->broker);
    st->s->broker = NULL;
    assert_ok(sb_open_path(&st->s->broker, st->s->path, NTS, st->s->config, NULL));
}

static int64_t ask(stage *st, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t answer;

    assert_int_equal(sqlite3_prepare_v2(st->observer, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

void stage_assert_unharmed(stage *st, const operation *op)
{
    char after[sizeof st->before];

    stage_contents(after, sizeof after, st);
    if (op->effect == EFFECT_ALL_OR_NOTHING && strcmp(st->before, after) != 0) {
        fail_msg("%s failed, but changed\n%s\ninto\n%s", op->name, st->before, after);
    }
    if (op->effect == EFFECT_CLAIMED_GONE) {
        assert_int_equal(ask(st, "SELECT count(*) FROM messages WHERE claimed = 0"), 7);
    }
    if (op->effect == EFFECT_MESSAGE_BY_MESSAGE) {
        assert_int_equal(ask(st, "SELECT count(*) FROM messages WHERE ts BETWEEN "
                                    "1700000000000000000 AND 1700000000000028672"), 8);
    }
}

void stage_assert_usable(stage *st, const operation *op)
{
    sb_status status = sb_write(NULL, st->s->broker, "usable", NTS, "x", 1, NULL);

    if (status) {
        fail_msg("after %s: SB_%s (%s)", op->name, sb_status_name(status), sb_error_message(NULL));
    }
    assert_claims(st->s->broker, "usable", "x");
    assert_ok(sb_delete_queue(NULL, st->s->broker, "usable", NTS, NULL));
}
