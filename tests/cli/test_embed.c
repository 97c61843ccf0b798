/* The command as a function: whose streams it uses, what it leaves to its host, and how it ends. */
#include "core/testing.h"

#include <embed.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>

#define NTS ((size_t)SB_NTS)

enum { ROOM = 16384, THREADS = 4, ROUNDS = 20 };

/* A host that keeps what it is given. */
typedef struct host {
    broker_host calls;
    char text[3][ROOM]; /* by stream; [0] is the input */
    size_t read;
    int fails_with; /* errno of every write to the output */
    int writes, warnings, stops, terminal;
    const char *watched[2];
    int64_t watched_after;
    int peeked;
} host;

static int take(void *payload, int stream, const char *bytes, size_t size)
{
    host *h = payload;
    size_t used = strlen(h->text[stream]);

    h->writes++;
    if (stream == 1 && h->fails_with != 0) {
        return h->fails_with;
    }
    assert_true(used + size < ROOM);
    memcpy(h->text[stream] + used, bytes, size);
    return 0;
}

static int64_t give(void *payload, char *buffer, size_t size)
{
    host *h = payload;
    size_t left = strlen(h->text[0]) - h->read, count = left < size ? left : size;

    /* In small pieces, as a pipe might. */
    count = count < 7 ? count : 7;
    memcpy(buffer, h->text[0] + h->read, count);
    h->read += count;
    return (int64_t)count;
}

static int64_t give_error(void *payload, char *buffer, size_t size)
{
    (void)payload;
    (void)buffer;
    (void)size;
    return -EIO;
}

static int is_terminal(void *payload, int stream)
{
    (void)stream;
    return ((host *)payload)->terminal;
}

static void hear(void *payload, int kind, const char *text)
{
    (void)kind;
    assert_non_null(text);
    ((host *)payload)->warnings++;
}

static int stop_soon(void *payload)
{
    return ++((host *)payload)->stops > 2;
}

static int stop_now(void *payload)
{
    ((host *)payload)->stops++;
    return 1;
}

static sb_status watch_two(void *payload, const broker_watch *watch)
{
    host *h = payload;

    h->watched_after = watch->after;
    h->peeked = watch->peek;
    assert_true(watch->move_to == NULL || strcmp(watch->move_to, "r") == 0);
    assert_string_equal(watch->queue, "q");
    assert_non_null(sb_target_address(watch->target));
    if (broker_watch_print(watch, 5, "a\nb", 3) != 0) {
        return SB_OK;
    }
    broker_watch_print(watch, 6, "", 0);
    return SB_OK;
}

static sb_status watch_failing(void *payload, const broker_watch *watch)
{
    (void)payload;
    (void)watch;
    return sb_error_set(SB_EUSER, "it broke", NTS, -1);
}

static void host_init(host *h)
{
    memset(h, 0, sizeof *h);
    h->calls.payload = h;
    h->calls.write = take;
    h->calls.read = give;
    h->calls.is_terminal = is_terminal;
    h->calls.watch = watch_two;
}

enum { MOST_WORDS = 12 };

/* Runs the words, a NULL ends them, on the broker of the test. */
static int run_words(scratch *s, host *h, sb_status *raised, const char *const *words)
{
    char copies[MOST_WORDS][64], *argv[MOST_WORDS + 1];
    sb_target *target = NULL;
    int argc = 0, code;

    snprintf(copies[argc], sizeof copies[0], "broker");
    for (argc = 1; words[argc - 1] != NULL; argc++) {
        snprintf(copies[argc], sizeof copies[0], "%s", words[argc - 1]);
    }
    for (int i = 0; i < argc; i++) {
        argv[i] = copies[i];
    }
    argv[argc] = NULL;
    assert_ok(sb_target_sqlite(&target, s->path, NTS));
    code = broker_command_run(argc, argv, s->config, target, &h->calls, raised);
    sb_target_free(target);
    return code;
}

#define RUN(h, raised, ...) run_words(*state, h, raised, (const char *const[]){__VA_ARGS__, NULL})

static void test_streams_are_the_hosts(void **state)
{
    host h;

    host_init(&h);
    strcpy(h.text[0], "from the host's input");
    assert_int_equal(RUN(&h, NULL, "write", "q"), 0);
    assert_int_equal(RUN(&h, NULL, "read", "q"), 0);
    assert_string_equal(h.text[1], "from the host's input\n");
    assert_string_equal(h.text[2], "");
    assert_int_equal(RUN(&h, NULL, "read", "q"), 2);
    assert_int_equal(RUN(&h, NULL, "read", "q", "-m", "5"), 1);
    assert_non_null(strstr(h.text[2], "simplebroker: error: invalid message ID"));
    h.terminal = 1;
    assert_int_equal(RUN(&h, NULL, "write", "q"), 1);
    assert_non_null(strstr(h.text[2], "message is required when stdin is a terminal"));
}

static void test_options_are_parsed_anew_each_time(void **state)
{
    host h;

    host_init(&h);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(RUN(&h, NULL, "write", "-t", "q", "m"), 0);
        assert_int_equal(RUN(&h, NULL, "list", "--stats", "--wrong"), 1);
        assert_int_equal(RUN(&h, NULL, "read", "q", "--js"), 0);
        assert_int_equal(RUN(&h, NULL, "peek", "-tx", "q"), 1);
    }
}

static void test_failures_of_the_library_are_left_to_the_host(void **state)
{
    sb_status raised;
    host h;

    host_init(&h);
    assert_int_equal(RUN(&h, &raised, "read", "a b"), 1);
    assert_int_equal(raised, SB_EQUEUENAME);
    assert_message("Invalid queue name");
    assert_int_equal(RUN(&h, &raised, "read", "@none"), 1);
    assert_int_equal(raised, SB_EINVALID);
    h.calls.read = give_error;
    assert_int_equal(RUN(&h, &raised, "write", "q"), 1);
    assert_int_equal(raised, SB_EINVALID);
    assert_message("cannot read stdin");
    assert_string_equal(h.text[2], "");
}

static void test_mistakes_are_printed_all_the_same(void **state)
{
    sb_status raised;
    host h;

    host_init(&h);
    assert_int_equal(RUN(&h, &raised, "read", "q", "--after", "now"), 1);
    assert_int_equal(RUN(&h, &raised, "move", "q", "q"), 1);
    assert_int_equal(RUN(&h, &raised, "move", "q", "a b", "--all"), 1);
    assert_int_equal(RUN(&h, &raised, "load"), 1);
    assert_int_equal(RUN(&h, &raised, "read", "--wrong"), 1);
    assert_int_equal(raised, SB_OK);
    assert_non_null(strstr(h.text[2], "Invalid timestamp: now"));
    assert_non_null(strstr(h.text[2], "Invalid queue name"));
    assert_non_null(strstr(h.text[2], "broker load: "));
}

static void test_success_raises_nothing(void **state)
{
    sb_status raised = SB_EUSER;
    host h;

    host_init(&h);
    assert_int_equal(RUN(&h, &raised, "write", "q", "m"), 0);
    assert_int_equal(raised, SB_OK);
}

static void test_warnings_go_to_the_host_that_wants_them(void **state)
{
    host h;

    host_init(&h);
    assert_int_equal(RUN(&h, NULL, "write", "q", "a\nb"), 0);
    assert_int_equal(RUN(&h, NULL, "peek", "q", "--all"), 0);
    assert_non_null(strstr(h.text[2], "simplebroker: warning: "));
    h.text[2][0] = '\0';
    h.calls.warn = hear;
    assert_int_equal(RUN(&h, NULL, "peek", "q", "--all"), 0);
    assert_int_equal(RUN(&h, NULL, "alias", "add", "q", "r"), 0);
    assert_int_equal(h.warnings, 2);
    assert_string_equal(h.text[2], "");
}

static void test_output_that_fails(void **state)
{
    sb_status raised;
    host h;

    host_init(&h);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(RUN(&h, NULL, "write", "q", "m"), 0);
    }
    h.fails_with = EPIPE;
    h.writes = 0;
    assert_int_equal(RUN(&h, NULL, "read", "q", "--all"), 0);
    assert_int_equal(h.writes, 1);
    assert_string_equal(h.text[2], "");
    assert_int_equal(RUN(&h, NULL, "list"), 1);
    assert_non_null(strstr(h.text[2], "cannot write to standard output"));
    h.fails_with = EINTR; /* is no reason to try again: a host tries by itself */
    assert_int_equal(RUN(&h, &raised, "list"), 0);
    h.fails_with = ENOSPC;
    assert_int_equal(RUN(&h, &raised, "list"), 1);
    assert_int_equal(raised, SB_EINVALID);
}

static void test_waiting_can_be_stopped(void **state)
{
    sqlite3 *holder = NULL;
    sb_status raised;
    host h;

    host_init(&h);
    h.calls.stop = stop_soon;
    assert_int_equal(RUN(&h, NULL, "write", "q", "m"), 0);
    assert_int_equal(sqlite3_open(((scratch *)*state)->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(RUN(&h, &raised, "write", "q", "m"), 1);
    assert_int_equal(raised, SB_CANCELLED);
    assert_true(h.stops > 2);
    sqlite3_close(holder);
}

static void test_long_work_can_be_stopped(void **state)
{
    host h;

    host_init(&h);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(RUN(&h, NULL, "write", "q", "m"), 0);
    }
    h.calls.stop = stop_now;
    assert_int_equal(RUN(&h, NULL, "move", "q", "r", "--all"), 1);
    assert_true(h.stops > 0);
    assert_string_equal(h.text[1], "");
    h.calls.stop = NULL;
    assert_int_equal(RUN(&h, NULL, "exists", "r"), 2);
    assert_int_equal(RUN(&h, NULL, "move", "q", "r", "--all"), 0);
}

static void test_watch_exists_where_the_host_can_watch(void **state)
{
    host h;

    host_init(&h);
    h.calls.watch = NULL;
    assert_int_equal(RUN(&h, NULL, "watch", "q"), 1);
    assert_non_null(strstr(h.text[2], "invalid choice: 'watch'"));
    assert_int_equal(RUN(&h, NULL, "--help"), 0);
    assert_null(strstr(h.text[1], "  watch "));
    h.calls.watch = watch_two;
    assert_int_equal(RUN(&h, NULL, "--help"), 0);
    assert_non_null(strstr(h.text[1], "  watch "));
}

static void test_watch_prints_what_the_host_finds(void **state)
{
    host h;

    host_init(&h);
    assert_int_equal(RUN(&h, NULL, "watch", "q", "--peek", "--after", "5000ns"), 0);
    assert_string_equal(h.text[1], "a\nb\n\n");
    assert_non_null(strstr(h.text[2], "Watching queue 'q' (peek mode)...\n"));
    assert_non_null(strstr(h.text[2], "newline characters"));
    assert_int_equal(h.watched_after, 4096);
    assert_int_equal(h.peeked, 1);

    host_init(&h);
    assert_int_equal(RUN(&h, NULL, "alias", "add", "a", "q"), 0);
    assert_int_equal(RUN(&h, NULL, "watch", "@a", "--move", "r", "-t"), 0);
    assert_string_equal(h.text[1], "5\ta\nb\n6\t\n");
    assert_string_equal(h.text[2], "Watching queue 'q' (move to r mode)...\n");
    assert_int_equal(h.watched_after, -1);

    host_init(&h);
    assert_int_equal(RUN(&h, NULL, "-q", "watch", "q", "--json"), 0);
    assert_non_null(strstr(h.text[1], "{\"message\": \"a\\nb\", \"timestamp\": \"00000000"));
    assert_string_equal(h.text[2], "");
    h.fails_with = EPIPE;
    assert_int_equal(RUN(&h, NULL, "-q", "watch", "q"), 0);
}

static void test_watch_tells_how_the_host_failed(void **state)
{
    sb_status raised;
    host h;

    host_init(&h);
    h.calls.watch = watch_failing;
    assert_int_equal(RUN(&h, &raised, "-q", "watch", "q", "--json"), 1);
    assert_int_equal(raised, SB_OK);
    assert_string_equal(h.text[2],
                        "{\"error\": \"ERROR\", \"message\": \"it broke\", \"retryable\": false}\n");
}

static void test_streams_are_given_back(void **state)
{
    host outer, inner;

    host_init(&outer);
    host_init(&inner);
    assert_int_equal(RUN(&inner, NULL, "write", "q", "m"), 0);
    assert_int_equal(RUN(&inner, NULL, "read", "q"), 0);
    assert_int_equal(RUN(&outer, NULL, "read", "q"), 2);
    assert_string_equal(inner.text[1], "m\n");
    assert_string_equal(outer.text[1], "");
}

typedef struct member {
    void **state;
    char queue[16];
    int wrong;
} member;

static void *work(void *payload)
{
    member *m = payload;
    void **state = m->state;

    for (int i = 0; i < ROUNDS; i++) {
        host h;

        host_init(&h);
        m->wrong += RUN(&h, NULL, "write", m->queue, "--", "-m") != 0;
        m->wrong += RUN(&h, NULL, "read", "--all", m->queue, "-t") != 0;
        m->wrong += RUN(&h, NULL, "read", m->queue, "--after", "x") != 1;
        m->wrong += strstr(h.text[1], "\t-m\n") == NULL || strchr(h.text[2], 'x') == NULL;
    }
    return NULL;
}

static void test_threads_run_commands_of_their_own(void **state)
{
    pthread_t threads[THREADS];
    member members[THREADS];

    for (int i = 0; i < THREADS; i++) {
        members[i] = (member){.state = state};
        snprintf(members[i].queue, sizeof members[i].queue, "q%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(members[i].wrong, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_streams_are_the_hosts),
        TEST(test_options_are_parsed_anew_each_time),
        TEST(test_failures_of_the_library_are_left_to_the_host),
        TEST(test_mistakes_are_printed_all_the_same),
        TEST(test_success_raises_nothing),
        TEST(test_warnings_go_to_the_host_that_wants_them),
        TEST(test_output_that_fails),
        TEST(test_waiting_can_be_stopped),
        TEST(test_long_work_can_be_stopped),
        TEST(test_watch_exists_where_the_host_can_watch),
        TEST(test_watch_prints_what_the_host_finds),
        TEST(test_watch_tells_how_the_host_failed),
        TEST(test_streams_are_given_back),
        TEST(test_threads_run_commands_of_their_own),
    };

    return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
