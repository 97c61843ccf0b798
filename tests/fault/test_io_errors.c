/*
 * A disk that fails at any call of any kind, in any operation. What was acknowledged stays, what
 * was not is either there or not, nothing is handed out twice, and the broker works on.
 */
#include "faulty_vfs.h"
#include "operations.h"

typedef struct failure {
    faulty_kind kind;
    int code;
    int lasting;
} failure;

static const failure failures[] = {
    {FAULTY_OPEN, SQLITE_CANTOPEN, 0},
    {FAULTY_READ, SQLITE_IOERR_READ, 0},
    {FAULTY_WRITE, SQLITE_IOERR_WRITE, 0},
    {FAULTY_WRITE, SQLITE_IOERR_WRITE, 1},
    {FAULTY_WRITE, SQLITE_FULL, 0},
    {FAULTY_WRITE, SQLITE_FULL, 1},
    {FAULTY_SYNC, SQLITE_IOERR_FSYNC, 0},
    {FAULTY_TRUNCATE, SQLITE_IOERR_TRUNCATE, 0},
    {FAULTY_SIZE, SQLITE_IOERR_FSTAT, 0},
    {FAULTY_LOCK, SQLITE_IOERR_LOCK, 0},
    {FAULTY_LOCK, SQLITE_BUSY, 0},
    {FAULTY_SHM_LOCK, SQLITE_IOERR_SHMLOCK, 0},
    {FAULTY_SHM_LOCK, SQLITE_BUSY, 0},
    {FAULTY_SHM_MAP, SQLITE_IOERR_SHMMAP, 0},
    {FAULTY_DELETE, SQLITE_IOERR_DELETE, 0},
    {FAULTY_ACCESS, SQLITE_IOERR_ACCESS, 0},
};

enum { FAILURES = sizeof failures / sizeof failures[0] };

/* Failures of storage, of opening, and of a file in an impossible state. */
static int is_storage_failure(sb_status status)
{
    return status == SB_EOPERATIONAL || status == SB_EDATABASE || status == SB_EIO ||
           status == SB_ERUNTIME || status == SB_ETIMESTAMP;
}

static void check_result(stage *st, const operation *op, const failure *f, sb_status status)
{
    if (status == op->expected) {
        return; /* SQLite or the library did without, or tried again */
    }
    if (!is_storage_failure(status) || !*sb_error_message(NULL)) {
        fail_msg("%s, kind %d, code %d: SB_%s (%s)", op->name, (int)f->kind, f->code,
                 sb_status_name(status), sb_error_message(NULL));
    }
    if (sb_error_outcome_ambiguous(NULL)) {
        assert_int_equal(f->code & 0xff, SQLITE_IOERR);
    } else {
        stage_assert_unharmed(st, op);
    }
}

static void assert_sound(stage *st)
{
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(st->observer, "PRAGMA integrity_check", -1, &statement,
                                        NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
}

static int fail_every(stage *st, const operation *op, const failure *f, int cold)
{
    int count = 0;

    for (long n = 0;; n++) {
        sb_status status;
        int fired;

        stage_reset(st);
        if (cold) {
            stage_reopen(st);
        }
        faulty_arm(f->kind, n, f->code, f->lasting);
        status = op->run(st);
        fired = faulty_disarm();
        if (!fired) {
            assert_status(op->expected, status);
            return count;
        }
        count++;
        check_result(st, op, f, status);
        stage_assert_usable(st, op);
    }
}

static void fail_operations(stage *st, int cold, int at_least)
{
    int count = 0;

    for (size_t o = 0; o < operation_count; o++) {
        for (size_t f = 0; f < FAILURES; f++) {
            if (cold && failures[f].code == SQLITE_BUSY) {
                continue; /* is waited for, at every open: too slow, and tried otherwise */
            }
            count += fail_every(st, &operations[o], &failures[f], cold);
        }
        assert_sound(st);
    }
    assert_in_range(count, at_least, 1000000);
}

static void test_operations__disk_fails_under_an_open_broker(void **state)
{
    fail_operations(*state, 0, 300);
}

static void test_operations__disk_fails_under_a_new_connection(void **state)
{
    fail_operations(*state, 1, 600);
}

/* Claims through a cursor until none is left, whatever fails, and notes what it got. */
static int claim_through_failures(stage *st, const failure *f, long n, uint32_t flags,
                                  int64_t *out_ids)
{
    sb_options options;
    sb_cursor *cursor = NULL;
    sb_status status;
    int count = 0;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.flags = flags;
    assert_ok(sb_cursor_open(&cursor, st->s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2,
                             &options));
    faulty_arm(f->kind, n, f->code, 0);
    do {
        status = sb_cursor_next(&out_ids[count], NULL, NULL, cursor);
        count += status == SB_OK;
        assert_in_range(count, 0, 10);
    } while (status != SB_EMPTY);
    faulty_disarm();
    sb_cursor_close(cursor);
    return count;
}

static void test_claim_cursor__never_hands_out_what_was_rolled_back(void **state)
{
    static const failure kinds[] = {{FAULTY_WRITE, SQLITE_IOERR_WRITE, 0},
                                    {FAULTY_WRITE, SQLITE_FULL, 0},
                                    {FAULTY_SYNC, SQLITE_IOERR_FSYNC, 0}};
    stage *st = *state;

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (long n = 0; n < 12; n++) {
            int64_t ids[16];
            int count;

            stage_reset(st);
            count = claim_through_failures(st, &kinds[k], n, 0, ids);
            for (int i = 1; i < count; i++) {
                assert_true(ids[i] > ids[i - 1]);
            }
            assert_in_range(count, 4, 5);
        }
    }
}

static void test_claim__full_disk_leaves_the_message_pending(void **state)
{
    stage *st = *state;
    sb_messages *messages = NULL;

    stage_reset(st);
    faulty_arm(FAULTY_WRITE, 0, SQLITE_FULL, 1);
    assert_status(SB_EOPERATIONAL, sb_claim(&messages, st->s->broker, "q", 1, 1, NULL));
    assert_null(messages);
    assert_int_equal(sb_error_sqlite_code(NULL), SQLITE_FULL);
    assert_int_equal(sb_error_outcome_ambiguous(NULL), 0);
    assert_true(faulty_disarm() > 0);
    assert_pending(st->s->broker, "q", 5);
    assert_claims(st->s->broker, "q", "first of q");
}

static void test_write__failure_of_the_commits_sync_is_ambiguous(void **state)
{
    stage *st = *state;

    stage_reset(st);
    assert_ok(sb_config_set_text(st->s->config, "BROKER_SYNC_MODE", NTS, "FULL", 4));
    stage_reopen(st);
    faulty_arm(FAULTY_SYNC, 0, SQLITE_IOERR_FSYNC, 0);
    assert_status(SB_EOPERATIONAL, sb_write(NULL, st->s->broker, "q", 1, "x", 1, NULL));
    assert_int_equal(faulty_disarm(), 1);
    assert_int_equal(sb_error_outcome_ambiguous(NULL), 1);
    assert_int_equal(sb_error_sqlite_code(NULL), SQLITE_IOERR_FSYNC);
    assert_ok(sb_write(NULL, st->s->broker, "q", 1, "y", 1, NULL));
}

static void test_txn__ambiguous_commit_is_told(void **state)
{
    stage *st = *state;
    sb_options options;

    stage_reset(st);
    sb_options_init(&options, SB_OPTIONS_VERSION);
    assert_ok(sb_txn_begin(&options.txn, st->s->broker, NULL));
    assert_ok(sb_write(NULL, st->s->broker, "q", 1, "x", 1, &options));
    faulty_arm(FAULTY_WRITE, 0, SQLITE_IOERR_WRITE, 0);
    assert_status(SB_EOPERATIONAL, sb_txn_commit(options.txn));
    assert_int_equal(faulty_disarm(), 1);
    assert_int_equal(sb_error_outcome_ambiguous(NULL), 1);
    assert_pending(st->s->broker, "q", 5);
}

static void test_operations__succeed_while_some_locks_are_busy(void **state)
{
    stage *st = *state;

    for (unsigned every = 2; every <= 8; every += 2) {
        for (size_t o = 0; o < operation_count; o++) {
            sb_status status;

            stage_reset(st);
            faulty_busy_every(every);
            status = operations[o].run(st);
            faulty_busy_every(0);
            if (status != operations[o].expected) {
                fail_msg("%s, every %u: SB_%s (%s)", operations[o].name, every,
                         sb_status_name(status), sb_error_message(NULL));
            }
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)
    const struct CMUnitTest tests[] = {
        TEST(test_claim__full_disk_leaves_the_message_pending),
        TEST(test_write__failure_of_the_commits_sync_is_ambiguous),
        TEST(test_txn__ambiguous_commit_is_told),
        TEST(test_claim_cursor__never_hands_out_what_was_rolled_back),
        TEST(test_operations__succeed_while_some_locks_are_busy),
        TEST(test_operations__disk_fails_under_an_open_broker),
        TEST(test_operations__disk_fails_under_a_new_connection),
    };

    if (faulty_vfs_register()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
