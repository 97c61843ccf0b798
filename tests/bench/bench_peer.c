/*
 * The C side of the comparison with Python: does what it is told, line by line, so that a driver can
 * let several programs take turns. Argument: the synchronous mode. A line is `OPERATION COUNT`; the
 * answer is the seconds it took. tests/bench/peer.py is the same in Python.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static void write_one(sb_broker *broker)
{
    bench_need(!sb_write(NULL, broker, "tasks", 5, bench_body, BODY_SIZE, NULL), "write");
}

static void check(sb_messages *messages)
{
    size_t len;

    bench_need(sb_messages_body(&len, messages, 0)[0] == bench_body[0] && len == BODY_SIZE &&
                   sb_messages_id(messages, 0) > 0,
               "message");
    sb_messages_free(messages);
}

static void read_one(sb_broker *broker)
{
    sb_messages *messages;

    bench_need(sb_claim(&messages, broker, "tasks", 5, 1, NULL) == SB_OK, "read");
    check(messages);
}

static void peek_one(sb_broker *broker)
{
    sb_messages *messages;

    bench_need(sb_peek(&messages, broker, "tasks", 5, 1, NULL) == SB_OK, "peek");
    check(messages);
}

static const struct {
    const char *name;
    void (*run)(sb_broker *broker);
} operations[] = {{"write", write_one}, {"read", read_one}, {"peek", peek_one}};

static double seconds(sb_broker *broker, const char *name, int count)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            double start = bench_now();

            while (count-- > 0) {
                operations[i].run(broker);
            }
            return bench_now() - start;
        }
    }
    bench_need(0, name);
    return 0;
}

int main(int argc, char **argv)
{
    sb_broker *broker = bench_open(bench_fresh("peer-c.db"), argc > 1 ? argv[1] : "OFF");
    char name[32];
    int count;

    while (scanf("%31s %d", name, &count) == 2) {
        printf("%.9f\n", seconds(broker, name, count));
        fflush(stdout);
    }
    sb_close(broker);
    return 0;
}
