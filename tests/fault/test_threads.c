/*
 * Many threads on one broker, doing everything at once: each message is handed out exactly once,
 * and closing in the middle of it ends every call with a documented answer. Under the thread sanitizer
 * the accesses are checked as well.
 */
#include "core/testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define NTS ((size_t)SB_NTS)

enum { THREADS = 8, WRITES = 60, MESSAGES = THREADS * WRITES };

typedef struct crew {
    sb_broker *broker;
    const char *path;
    sb_config *config;
    sb_cancel *cancel;
    atomic_int written, taken, closed_answers, odd_answers, warnings, stop;
    atomic_llong traced;
    uint64_t sum_written[THREADS], sum_taken[THREADS]; /* of ids, with overflow */
    sb_status odd_status; /* one of the answers that should not be */
    char odd_message[200];
} crew;

typedef struct member {
    crew *crew;
    int number;
} member;

/* Whether an answer is success or an expected "no"; other answers are noted. */
static int fine(crew *c, sb_status status)
{
    if (status == SB_ECLOSED) {
        atomic_fetch_add(&c->closed_answers, 1);
    } else if (status < 0 && atomic_fetch_add(&c->odd_answers, 1) == 0) {
        c->odd_status = status;
        snprintf(c->odd_message, sizeof c->odd_message, "%s", sb_error_message(NULL));
    }
    return status >= 0;
}

static void assert_nothing_odd(crew *c)
{
    if (atomic_load(&c->odd_answers)) {
        fail_msg("SB_%s (%s)", sb_status_name(c->odd_status), c->odd_message);
    }
}

static void write_one(member *m)
{
    int64_t id;

    if (fine(m->crew, sb_write(&id, m->crew->broker, "in", NTS, "body", 4, NULL))) {
        m->crew->sum_written[m->number] += (uint64_t)id;
        atomic_fetch_add(&m->crew->written, 1);
    }
}

static void count_taken(member *m, const sb_messages *messages)
{
    for (size_t i = 0; i < sb_messages_count(messages); i++) {
        m->crew->sum_taken[m->number] += (uint64_t)sb_messages_id(messages, i);
        atomic_fetch_add(&m->crew->taken, 1);
    }
}

static void claim_some(member *m)
{
    sb_messages *messages = NULL;

    fine(m->crew, sb_claim(&messages, m->crew->broker, "in", NTS, 1 + m->number % 3u, NULL));
    count_taken(m, messages);
    sb_messages_free(messages);
}

static void move_some(member *m)
{
    sb_messages *messages = NULL;

    fine(m->crew, sb_move(&messages, m->crew->broker, "in", NTS, "out", NTS, 2, NULL));
    count_taken(m, messages);
    sb_messages_free(messages);
}

static void ask_some(member *m)
{
    sb_broker *broker = m->crew->broker;
    sb_messages *messages = NULL;
    sb_queues *queues = NULL;
    char *name = NULL;
    int64_t number;

    fine(m->crew, sb_peek(&messages, broker, "in", NTS, 5, NULL));
    fine(m->crew, sb_queues_list(&queues, broker, NULL, 0, NULL, 0, NULL));
    fine(m->crew, sb_queue_resolve(&name, NULL, broker, "@alias", NTS, NULL));
    fine(m->crew, sb_timestamp_cached(&number, broker, NULL));
    fine(m->crew, sb_timestamp_generate(&number, broker, NULL));
    fine(m->crew, sb_data_version(&number, broker));
    sb_messages_free(messages);
    sb_queues_free(queues);
    sb_free(name);
}

/* A batch whose first message only is worked on: it and the rest come back. */
static void drop_batch(member *m)
{
    sb_cursor *cursor = NULL;
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.flags = SB_AT_LEAST_ONCE;
    if (fine(m->crew, sb_cursor_open(&cursor, m->crew->broker, SB_CURSOR_CLAIM, "in", NTS, NULL, 0,
                                     3, &options))) {
        fine(m->crew, sb_cursor_next(NULL, NULL, NULL, cursor));
    }
    sb_cursor_close(cursor);
}

/* A write and a claim that vanish together, or come about together. */
static void try_txn(member *m)
{
    sb_messages *messages = NULL;
    sb_options options;
    int64_t id = 0;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    if (!fine(m->crew, sb_txn_begin(&options.txn, m->crew->broker, NULL))) {
        return;
    }
    if (!fine(m->crew, sb_write(&id, m->crew->broker, "in", NTS, "txn", 3, &options)) ||
        !fine(m->crew, sb_claim(&messages, m->crew->broker, "in", NTS, 2, &options)) ||
        m->number % 2) {
        sb_txn_rollback(options.txn);
    } else if (fine(m->crew, sb_txn_commit(options.txn))) {
        m->crew->sum_written[m->number] += (uint64_t)id;
        atomic_fetch_add(&m->crew->written, 1);
        count_taken(m, messages);
    }
    sb_messages_free(messages);
}

static void open_another(member *m)
{
    sb_broker *broker = NULL;

    if (fine(m->crew, sb_open_path(&broker, m->crew->path, NTS, m->crew->config, NULL))) {
        fine(m->crew, sb_exists(broker, "in", NTS, NULL));
    }
    sb_close(broker);
}

static void *work(void *argument)
{
    member *m = argument;
    static void (*const rare[])(member *) = {move_some, ask_some, drop_batch, try_txn,
                                            open_another};

    for (int i = 0; i < WRITES; i++) {
        write_one(m);
        if (i % 3 == m->number % 3) {
            claim_some(m);
        }
        if (i % 5 == 0) {
            rare[(i / 5 + m->number) % 5](m);
        }
    }
    while (!atomic_load(&m->crew->stop)) {
        int before = atomic_load(&m->crew->taken);

        claim_some(m);
        move_some(m);
        if (atomic_load(&m->crew->taken) == before) {
            break;
        }
    }
    return NULL;
}

static void on_trace(void *payload, const char *operation, int64_t duration_ns, int64_t rows,
                     int32_t retries, sb_status status)
{
    crew *c = payload;

    (void)retries;
    (void)rows;
    (void)status;
    if (operation && duration_ns >= 0) {
        atomic_fetch_add(&c->traced, 1);
    }
}

static void on_warning(void *payload, sb_warning kind, const char *text)
{
    crew *c = payload;

    (void)kind;
    (void)text;
    atomic_fetch_add(&c->warnings, 1);
}

static void gather(crew *c, scratch *s)
{
    memset(c, 0, sizeof *c);
    c->broker = s->broker;
    c->path = s->path;
    c->config = s->config;
    assert_ok(sb_alias_add(s->broker, "alias", NTS, "in", NTS, NULL));
    assert_ok(sb_config_on_warning(s->config, on_warning, c, NULL));
    assert_ok(sb_broker_on_trace(s->broker, on_trace, c, NULL));
}

static void run(crew *c, void *(*body)(void *), void (*meanwhile)(crew *))
{
    pthread_t threads[THREADS];
    member members[THREADS];

    for (int i = 0; i < THREADS; i++) {
        members[i] = (member){c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, body, &members[i]), 0);
    }
    if (meanwhile) {
        meanwhile(c);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void test_threads__each_message_is_taken_exactly_once(void **state)
{
    scratch *s = *state;
    static crew c;
    sb_messages *rest = NULL;
    member main_thread = {&c, 0};
    uint64_t balance = 0;

    gather(&c, s);
    run(&c, work, NULL);
    while (sb_claim(&rest, s->broker, "in", NTS, 100, NULL) == SB_OK) {
        count_taken(&main_thread, rest);
        sb_messages_free(rest);
    }
    assert_nothing_odd(&c);
    for (int i = 0; i < THREADS; i++) {
        balance += c.sum_written[i] - c.sum_taken[i];
    }
    assert_int_equal(balance, 0);
    assert_int_equal(atomic_load(&c.written), atomic_load(&c.taken));
    assert_true(atomic_load(&c.written) >= MESSAGES);
    assert_true(atomic_load(&c.traced) > MESSAGES);
}

static void close_in_the_middle(crew *c)
{
    while (atomic_load(&c->written) < MESSAGES / 4) {
        sched_yield();
    }
    sb_close(c->broker);
}

static void test_close__in_the_middle_ends_every_call(void **state)
{
    scratch *s = *state;
    static crew c;

    gather(&c, s);
    run(&c, work, close_in_the_middle);
    assert_nothing_odd(&c);
    assert_true(atomic_load(&c.closed_answers) > 0);
    s->broker = NULL;
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    put(s->broker, "in", "still usable");
}

static void *wait_for_turn(void *argument)
{
    member *m = argument;
    sb_options options;
    sb_status status;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.cancel = m->crew->cancel;
    status = sb_write(NULL, m->crew->broker, "in", NTS, "x", 1, &options);
    atomic_fetch_add(status == SB_CANCELLED ? &m->crew->taken : &m->crew->odd_answers, 1);
    return NULL;
}

static void throw_switch(crew *c)
{
    sb_cancel_set(c->cancel);
}

static void test_cancel__one_switch_ends_all_waiting(void **state)
{
    scratch *s = *state;
    static crew c;
    sb_txn *txn;

    gather(&c, s);
    assert_ok(sb_cancel_new(&c.cancel));
    assert_ok(sb_txn_begin(&txn, s->broker, NULL));
    run(&c, wait_for_turn, throw_switch);
    sb_txn_rollback(txn);
    sb_cancel_free(c.cancel);
    assert_int_equal(atomic_load(&c.taken), THREADS);
    put(s->broker, "in", "usable");
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif

static int child_writes(crew *c)
{
    sb_status status = sb_write(NULL, c->broker, "child", NTS, "x", 1, NULL);

    return status == SB_OK || status == SB_EFORK ? (int)status & 0x7f : 1;
}

static void fork_some(crew *c)
{
    for (int i = 0; i < 5; i++) {
        pid_t child;
        int result;

        while (atomic_load(&c->written) < MESSAGES / 8 * (i + 1)) {
            sched_yield();
        }
        child = fork();
        if (!child) {
            _exit(child_writes(c));
        }
        waitpid(child, &result, 0);
        /* The turn is free at the fork unless somebody keeps it longer than a fork may wait. */
        if (!WIFEXITED(result) || WEXITSTATUS(result) != SB_OK) {
            atomic_fetch_add(&c->odd_answers, 1);
        }
    }
}

static void test_fork__among_working_threads(void **state)
{
    scratch *s = *state;
    static crew c;

#ifdef UNDER_TSAN
    skip();
#endif
    gather(&c, s);
    run(&c, work, fork_some);
    assert_nothing_odd(&c);
    assert_pending(s->broker, "child", 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_threads__each_message_is_taken_exactly_once),
        TEST(test_close__in_the_middle_ends_every_call),
        TEST(test_cancel__one_switch_ends_all_waiting),
        TEST(test_fork__among_working_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
