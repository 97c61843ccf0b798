/* Waiters in one thread: what is reported when, queue by queue; the descriptor for event loops. */
#include "foreign.h"
#include "waiting.h"

#include "doorbell.h"

/* The queues that the last wait reported, sorted and joined. */
static void assert_reported(sb_waiter *waiter, const char *expected)
{
    char found[300] = "", names[8][32] = {""};
    const char *name;
    size_t count = 0, used = 0, len;

    while (sb_waiter_next(&name, &len, waiter) == SB_OK) {
        size_t at = count++;

        assert_true(count <= 8);
        assert_int_equal(strlen(name), len);
        for (; at > 0 && strcmp(names[at - 1], name) > 0; at--) {
            memcpy(names[at], names[at - 1], sizeof names[at]);
        }
        snprintf(names[at], sizeof names[at], "%s", name);
    }
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%.31s", i ? " " : "",
                                 *names[i] ? names[i] : "any");
    }
    assert_string_equal(found, expected);
}

static void add(sb_waiter *waiter, const char *queue)
{
    assert_ok(sb_waiter_add(waiter, queue, queue ? NTS : 0, NULL));
}

static void test_add__a_pending_message_is_reported_by_the_next_wait(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter;

    put(s->broker, "q", "x");
    waiter = waiter_for(s->broker, "q", 0);
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "q");
    sb_waiter_close(waiter);
}

static void test_add__nothing_pending_is_nothing_to_report(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);

    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    assert_reported(waiter, "");
    put(s->broker, "other", "x");
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    sb_waiter_close(waiter);
    put(s->broker, "q", "x");
    take(s->broker, "q");
    waiter = waiter_for(s->broker, "q", 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    sb_waiter_close(waiter);
}

static void test_wait__reports_a_message_once(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);

    put(s->broker, "q", "left lying");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    settle(waiter);
    assert_status(SB_EMPTY, wait_ms(waiter, 30));
    put(s->broker, "q", "another");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    settle(waiter);
    sb_waiter_close(waiter);
}

static void test_add__again_looks_again(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter;

    put(s->broker, "q", "left lying");
    waiter = waiter_for(s->broker, "q", 0);
    assert_ok(wait_ms(waiter, 0));
    settle(waiter);
    add(waiter, "q");
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "q");
    sb_waiter_close(waiter);
}

static void test_wait__what_came_between_waits_is_remembered(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);

    for (int round = 0; round < 3; round++) {
        put(s->broker, "q", "a");
        put(s->broker, "q", "b");
        assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
        take(s->broker, "q");
        take(s->broker, "q");
        settle(waiter);
    }
    sb_waiter_close(waiter);
}

static void test_wait__names_each_of_several_queues_once(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "a", 0);

    add(waiter, "b");
    add(waiter, "c");
    put(s->broker, "c", "1");
    put(s->broker, "a", "2");
    put(s->broker, "c", "3");
    put(s->broker, "d", "4");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "a c");
    assert_reported(waiter, "");
    put(s->broker, "b", "5");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "b");
    sb_waiter_close(waiter);
}

static void test_wait__what_was_not_asked_for_is_forgotten(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "a", 0);
    const char *name;

    add(waiter, "b");
    put(s->broker, "a", "1");
    put(s->broker, "b", "2");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_ok(sb_waiter_next(&name, NULL, waiter));
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    assert_status(SB_EMPTY, sb_waiter_next(&name, NULL, waiter));
    put(s->broker, "a", "3");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "a");
    sb_waiter_close(waiter);
}

static void test_any__hears_of_every_queue_under_no_name(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, NULL, 0);

    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    put(s->broker, "a", "1");
    put(s->broker, "b", "2");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "any");
    settle(waiter);
    add(waiter, "b");
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "b");
    put(s->broker, "b", "3");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "any b");
    assert_ok(sb_waiter_remove(waiter, NULL, 0));
    put(s->broker, "a", "4");
    assert_status(SB_EMPTY, wait_ms(waiter, 30));
    sb_waiter_close(waiter);
    waiter = waiter_for(s->broker, NULL, 0);
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "any");
    sb_waiter_close(waiter);
}

static void test_after__older_messages_are_no_reason(void **state)
{
    scratch *s = *state;
    sb_options options = with_bounds(put(s->broker, "q", "old"), -1);
    sb_waiter *waiter = waiter_for(s->broker, "other", 0);

    assert_ok(sb_waiter_add(waiter, "q", 1, &options));
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    put(s->broker, "q", "new");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "q");
    settle(waiter);
    /* Replaced by no bound, and by one that leaves the second. */
    add(waiter, "q");
    assert_ok(wait_ms(waiter, 0));
    assert_ok(sb_waiter_add(waiter, "q", 1, &options));
    assert_ok(wait_ms(waiter, 0));
    options.after = INT64_MAX - 1;
    assert_ok(sb_waiter_add(waiter, "q", 1, &options));
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    sb_waiter_close(waiter);
}

/* A message can come into the queue later than its id says. */
static void test_after__counts_ids_and_not_arrivals(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "other", 0);
    int64_t early = put(s->broker, "r", "early");
    sb_options options = with_bounds(put(s->broker, "q", "bound"), -1);
    sb_messages *messages = NULL;

    put(s->broker, "r", "late");
    assert_ok(sb_waiter_add(waiter, "q", 1, &options));
    assert_ok(sb_move_id(&messages, s->broker, "r", 1, "q", 1, early, NULL));
    sb_messages_free(messages);
    assert_status(SB_EMPTY, wait_ms(waiter, 30));
    assert_ok(sb_move(&messages, s->broker, "r", 1, "q", 1, 1, NULL));
    sb_messages_free(messages);
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    sb_waiter_close(waiter);
}

static void test_remove__is_not_heard_of_any_more(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "a", 0);

    add(waiter, "b");
    assert_ok(sb_waiter_remove(waiter, "a", 1));
    assert_status(SB_EMPTY, sb_waiter_remove(waiter, "a", 1));
    assert_status(SB_EMPTY, sb_waiter_remove(waiter, NULL, 0));
    put(s->broker, "a", "x");
    assert_status(SB_EMPTY, wait_ms(waiter, 30));
    put(s->broker, "b", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "b");
    put(s->broker, "b", "y");
    assert_ok(sb_waiter_remove(waiter, "b", 1));
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    add(waiter, "a");
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "a");
    sb_waiter_close(waiter);
}

/* Removing between a report and the questions about it. */
static void test_remove__of_a_reported_queue_keeps_the_others(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "a", 0);

    add(waiter, "b");
    add(waiter, "c");
    put(s->broker, "a", "x");
    put(s->broker, "b", "x");
    put(s->broker, "c", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_ok(sb_waiter_remove(waiter, "b", 1));
    assert_reported(waiter, "a c");
    sb_waiter_close(waiter);
}

static void test_timeout__is_kept(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0), *empty = NULL;
    int64_t begin = waiting_now_ns();

    for (int i = 0; i < 20; i++) {
        assert_status(SB_EMPTY, wait_ms(waiter, 0));
    }
    assert_in_range(ms_since(begin), 0, SOON_MS);
    begin = waiting_now_ns();
    assert_status(SB_EMPTY, wait_ms(waiter, 60));
    assert_in_range(ms_since(begin), 59, SOON_MS);
    /* Longer than the safety net's second. */
    begin = waiting_now_ns();
    assert_status(SB_EMPTY, wait_ms(waiter, 1300));
    assert_in_range(ms_since(begin), 1299, 1300 + SOON_MS);
    sb_waiter_close(waiter);
    assert_ok(sb_waiter_open(&empty, s->broker));
    begin = waiting_now_ns();
    assert_status(SB_EMPTY, wait_ms(empty, 30));
    assert_in_range(ms_since(begin), 29, SOON_MS);
    sb_waiter_close(empty);
}

static void test_close__of_the_broker_is_reported_and_the_waiter_outlives_it(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);

    put(s->broker, "q", "x");
    sb_close(s->broker);
    s->broker = NULL;
    assert_status(SB_ECLOSED, wait_ms(waiter, HANGS_AFTER_MS));
    assert_status(SB_ECLOSED, sb_waiter_add(waiter, "r", 1, NULL));
    sb_waiter_fd(waiter);
    sb_waiter_has_events(waiter);
    sb_waiter_close(waiter);
}

static void test_shut__is_reported_too(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0), *late = NULL;
    int fd = sb_waiter_fd(waiter);

    sb_shut(s->broker);
    assert_true(readable(fd, HANGS_AFTER_MS));
    assert_status(SB_ECLOSED, wait_ms(waiter, 0));
    assert_status(SB_ECLOSED, sb_waiter_open(&late, s->broker));
    assert_null(late);
    sb_waiter_close(waiter);
}

static void test_waiters__come_and_go(void **state)
{
    scratch *s = *state;

    for (int round = 0; round < 50; round++) {
        sb_waiter *first = waiter_for(s->broker, "q", SB_TAKING);
        sb_waiter *second = waiter_for(s->broker, "q", 0);

        sb_waiter_close(first);
        put(s->broker, "q", "x");
        assert_ok(wait_ms(second, HANGS_AFTER_MS));
        take(s->broker, "q");
        sb_waiter_close(second);
    }
}

static void test_names__that_share_nothing_do_not_disturb(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[40];
    char name[32];

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "queue%d", i);
        waiters[i] = waiter_for(s->broker, name, 0);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "queue%d", i);
        put(s->broker, name, "x");
        assert_ok(wait_ms(waiters[i], HANGS_AFTER_MS));
        assert_reported(waiters[i], name);
        assert_status(SB_EMPTY, wait_ms(waiters[(i + 1) % 40], 0));
    }
    for (int i = 0; i < 40; i++) {
        sb_waiter_close(waiters[i]);
    }
}

/* Two names whose byte of the doorbell is the same. */
static void find_neighbours(char *a, char *b, size_t size)
{
    static int number_of[SB__SLOTS];

    memset(number_of, 0, sizeof number_of);
    for (int i = 1;; i++) {
        uint32_t slot;

        snprintf(a, size, "queue%d", i);
        slot = sb__doorbell_slot(a, strlen(a));
        assert_in_range(slot, 0, SB__SLOTS - 1);
        if (number_of[slot]) {
            snprintf(b, size, "queue%d", number_of[slot]);
            return;
        }
        number_of[slot] = i;
    }
}

static void test_names__that_share_a_byte_are_told_apart(void **state)
{
    scratch *s = *state;
    sb_waiter *first, *second;
    char a[32], b[32];
    int bell;

    find_neighbours(a, b, sizeof a);
    first = waiter_for(s->broker, a, 0);
    second = waiter_for(s->broker, b, 0);
    put(s->broker, b, "x");
    assert_ok(wait_ms(second, HANGS_AFTER_MS));
    assert_status(SB_EMPTY, wait_ms(first, 0));
    /* The byte is held until both are gone. */
    bell = bell_listen(s);
    sb_waiter_close(first);
    put(s->broker, b, "y");
    assert_int_equal(bell_rang(bell), 1);
    assert_ok(wait_ms(second, SOON_MS));
    assert_ok(sb_waiter_remove(second, b, NTS));
    put(s->broker, b, "z");
    assert_int_equal(bell_rang(bell), 0);
    sb_waiter_close(second);
    close(bell);
}

/* More than the doorbell has locks for: then all of it is locked. */
static void test_queues__of_any_number(void **state)
{
    enum { QUEUES = 1500 };
    static const int probes[] = {0, 700, 1023, 1024, 1025, QUEUES - 1};
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "queue0", 0);
    char name[32];

    for (int i = 1; i < QUEUES; i++) {
        snprintf(name, sizeof name, "queue%d", i);
        add(waiter, name);
    }
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        snprintf(name, sizeof name, "queue%d", probes[i]);
        put(s->broker, name, "x");
        assert_ok(wait_ms(waiter, SOON_MS));
        assert_reported(waiter, name);
    }
    for (int i = 0; i < QUEUES - 1; i++) {
        snprintf(name, sizeof name, "queue%d", i);
        assert_ok(sb_waiter_remove(waiter, name, NTS));
    }
    put(s->broker, "queue0", "x");
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    snprintf(name, sizeof name, "queue%d", QUEUES - 1);
    put(s->broker, name, "y");
    assert_ok(wait_ms(waiter, SOON_MS));
    sb_waiter_close(waiter);
}

/* Two databases, two hubs: each hears its own. */
static void test_brokers__of_two_files_and_two_of_one(void **state)
{
    scratch *s = *state;
    sb_broker *again = NULL, *other = NULL;
    sb_waiter *here, *there;
    char path[160];

    snprintf(path, sizeof path, "%s/other.db", s->directory);
    assert_ok(sb_open_path(&again, s->path, NTS, s->config, NULL));
    assert_ok(sb_open_path(&other, path, NTS, s->config, NULL));
    here = waiter_for(s->broker, "q", 0);
    there = waiter_for(other, "q", 0);
    put(again, "q", "x");
    assert_ok(wait_ms(here, HANGS_AFTER_MS));
    assert_status(SB_EMPTY, wait_ms(there, 0));
    put(other, "q", "x");
    assert_ok(wait_ms(there, HANGS_AFTER_MS));
    settle(here);
    sb_close(again);
    put(s->broker, "q", "x");
    assert_ok(wait_ms(here, HANGS_AFTER_MS));
    sb_waiter_close(here);
    sb_waiter_close(there);
    sb_close(other);
}

static void test_fd__is_readable_until_the_waiter_has_looked(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int fd = sb_waiter_fd(waiter);

    assert_int_equal(sb_waiter_has_events(waiter), 1);
    assert_true(fd >= 0);
    assert_int_equal(sb_waiter_fd(waiter), fd);
    settle(waiter);
    for (int round = 0; round < 3; round++) {
        put(s->broker, "q", "x");
        assert_true(readable(fd, SOON_MS));
        assert_true(readable(fd, 0));
        assert_ok(wait_ms(waiter, 0));
        assert_reported(waiter, "q");
    }
    sb_waiter_close(waiter);
}

/* After a message it may stay busy for a while, but not for ever, and not without end. */
static void test_fd__comes_to_rest(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int fd = sb_waiter_fd(waiter), rounds = 0, in_vain = 0;
    int64_t begin = waiting_now_ns();

    put(s->broker, "q", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    while (readable(fd, 200)) {
        in_vain += wait_ms(waiter, 0) == SB_OK; /* the safety net may look once more */
        rounds++;
        assert_true(rounds < 200 && ms_since(begin) < HANGS_AFTER_MS);
    }
    assert_in_range(in_vain, 0, 1);
    sb_waiter_close(waiter);
}

static void test_fd__tells_of_what_add_has_found(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int fd = sb_waiter_fd(waiter);

    put(s->broker, "r", "x");
    settle(waiter);
    add(waiter, "r");
    assert_true(readable(fd, HANGS_AFTER_MS));
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "r");
    sb_waiter_close(waiter);
    waiter = waiter_for(s->broker, "r", 0);
    assert_true(readable(sb_waiter_fd(waiter), HANGS_AFTER_MS));
    assert_ok(wait_ms(waiter, 0));
    sb_waiter_close(waiter);
}

static void test_fd__many_waiters_in_one_loop(void **state)
{
    enum { WAITERS = 8, MESSAGES = 24 };
    scratch *s = *state;
    sb_waiter *waiters[WAITERS];
    struct pollfd polls[WAITERS];
    char name[32];
    int found = 0;

    for (int i = 0; i < WAITERS; i++) {
        snprintf(name, sizeof name, "queue%d", i);
        waiters[i] = waiter_for(s->broker, name, SB_TAKING);
        polls[i] = (struct pollfd){sb_waiter_fd(waiters[i]), POLLIN, 0};
    }
    for (int m = 0; m < MESSAGES; m++) {
        snprintf(name, sizeof name, "queue%d", m * 5 % WAITERS);
        put(s->broker, name, "x");
        while (found == m) {
            assert_true(poll(polls, WAITERS, HANGS_AFTER_MS) > 0);
            for (int i = 0; i < WAITERS; i++) {
                if (polls[i].revents && wait_ms(waiters[i], 0) == SB_OK) {
                    assert_int_equal(i, m * 5 % WAITERS);
                    take(s->broker, name);
                    found++;
                }
            }
        }
    }
    assert_int_equal(found, MESSAGES);
    for (int i = 0; i < WAITERS; i++) {
        sb_waiter_close(waiters[i]);
    }
}

static void test_bad_input(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = NULL;
    sb_options bad = with_timeout(0);
    const char *name;

    bad.size = 8;
    assert_status(SB_EINVALID, sb_waiter_open(NULL, s->broker));
    assert_status(SB_EINVALID, sb_waiter_open(&waiter, NULL));
    assert_null(waiter);
    sb_waiter_close(NULL);
    assert_status(SB_EINVALID, sb_waiter_add(NULL, "q", 1, NULL));
    assert_status(SB_EINVALID, sb_waiter_remove(NULL, "q", 1));
    assert_status(SB_EINVALID, sb_waiter_wait(NULL, NULL));
    assert_status(SB_EINVALID, sb_waiter_next(&name, NULL, NULL));
    assert_int_equal(sb_waiter_fd(NULL), -1);
    assert_int_equal(sb_waiter_has_events(NULL), 0);
    waiter = waiter_for(s->broker, "q", 0);
    assert_status(SB_EQUEUENAME, sb_waiter_add(waiter, "", 0, NULL));
    assert_status(SB_EQUEUENAME, sb_waiter_add(waiter, "a b", 3, NULL));
    assert_status(SB_EQUEUENAME, sb_waiter_add(waiter, "@alias", NTS, NULL));
    assert_status(SB_EINVALID, sb_waiter_add(waiter, "r", 1, &bad));
    assert_status(SB_EINVALID, sb_waiter_wait(waiter, &bad));
    bad = with_bounds(-2, -1);
    assert_status(SB_EINVALID, sb_waiter_add(waiter, "r", 1, &bad));
    put(s->broker, "r", "x");
    put(s->broker, "q", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "q");
    sb_waiter_close(waiter);
}

/* Nothing tells of a caller's own runner: asked again and again, until the message is there. */
static void test_runner_of_others__is_polled(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int64_t begin = waiting_now_ns();

    assert_int_equal(sb_waiter_has_events(waiter), 0);
    assert_int_equal(sb_waiter_fd(waiter), -1);
    assert_status(SB_EMPTY, wait_ms(waiter, 40));
    assert_true(ms_since(begin) >= 39);
    put(s->broker, "q", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    assert_reported(waiter, "q");
    take(s->broker, "q");
    settle(waiter);
    put(s->broker, "r", "x");
    assert_status(SB_EMPTY, wait_ms(waiter, 40));
    add(waiter, "r");
    assert_ok(wait_ms(waiter, 0));
    assert_reported(waiter, "r");
    sb_waiter_close(waiter);
}

static void test_adopted_connection__wakes(void **state)
{
    scratch *s = *state;
    sb_broker *adopted = NULL;
    sb_waiter *waiter;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_ok(sb_open_sqlite(&adopted, db, s->config, NULL));
    waiter = waiter_for(adopted, "q", 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    put(s->broker, "q", "x");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    take(adopted, "q");
    put(adopted, "q", "y");
    assert_ok(wait_ms(waiter, HANGS_AFTER_MS));
    sb_waiter_close(waiter);
    sb_close(adopted);
    sqlite3_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_add__a_pending_message_is_reported_by_the_next_wait),
        TEST(test_add__nothing_pending_is_nothing_to_report),
        TEST(test_wait__reports_a_message_once),
        TEST(test_add__again_looks_again),
        TEST(test_wait__what_came_between_waits_is_remembered),
        TEST(test_wait__names_each_of_several_queues_once),
        TEST(test_wait__what_was_not_asked_for_is_forgotten),
        TEST(test_any__hears_of_every_queue_under_no_name),
        TEST(test_after__older_messages_are_no_reason),
        TEST(test_after__counts_ids_and_not_arrivals),
        TEST(test_remove__is_not_heard_of_any_more),
        TEST(test_remove__of_a_reported_queue_keeps_the_others),
        TEST(test_timeout__is_kept),
        TEST(test_close__of_the_broker_is_reported_and_the_waiter_outlives_it),
        TEST(test_shut__is_reported_too),
        TEST(test_waiters__come_and_go),
        TEST(test_names__that_share_nothing_do_not_disturb),
        TEST(test_names__that_share_a_byte_are_told_apart),
        TEST(test_queues__of_any_number),
        TEST(test_brokers__of_two_files_and_two_of_one),
        TEST(test_fd__is_readable_until_the_waiter_has_looked),
        TEST(test_fd__comes_to_rest),
        TEST(test_fd__tells_of_what_add_has_found),
        TEST(test_fd__many_waiters_in_one_loop),
        TEST(test_bad_input),
        cmocka_unit_test_setup_teardown(test_runner_of_others__is_polled, scratch_open_foreign,
                                        scratch_free),
        TEST(test_adopted_connection__wakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
