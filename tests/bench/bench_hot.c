/*
 * One thread writes, claims and peeks through the public API, in turns with the limit doing the
 * same on a file of its own. Argument: the synchronous mode. Also prints absolute rates, which the
 * comparison with the reference's Python API uses.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 15 };

static void check_claim(sb_broker *broker, sb_status (*take)(sb_messages **, sb_broker *,
                                                             const char *, size_t, size_t,
                                                             const sb_options *))
{
    sb_messages *messages;
    size_t len;

    bench_need(take(&messages, broker, "tasks", 5, 1, NULL) == SB_OK, "take");
    bench_need(sb_messages_body(&len, messages, 0)[0] == bench_body[0] && len == BODY_SIZE &&
                   sb_messages_id(messages, 0) > 0,
               "message");
    sb_messages_free(messages);
}

static void ours_write(sb_broker *broker, limit *l)
{
    (void)l;
    bench_need(!sb_write(NULL, broker, "tasks", 5, bench_body, BODY_SIZE, NULL), "write");
}

static void ours_claim(sb_broker *broker, limit *l)
{
    (void)l;
    check_claim(broker, sb_claim);
}

static void ours_peek(sb_broker *broker, limit *l)
{
    (void)l;
    check_claim(broker, sb_peek);
}

static void plain_write(sb_broker *broker, limit *l)
{
    (void)broker;
    limit_write(l, "tasks");
}

static void plain_claim(sb_broker *broker, limit *l)
{
    (void)broker;
    limit_claim(l, "tasks");
}

static void plain_peek(sb_broker *broker, limit *l)
{
    (void)broker;
    limit_peek(l, "tasks");
}

typedef void operation(sb_broker *broker, limit *l);

static double rate(operation *op, sb_broker *broker, limit *l, int count)
{
    double start = bench_now();

    for (int i = 0; i < count; i++) {
        op(broker, l);
    }
    return count / (bench_now() - start);
}

static void compare(const char *name, const char *sync, operation *ours, operation *plain,
                    sb_broker *broker, limit *l, int count)
{
    double ratios[ROUNDS], rates[ROUNDS];
    char label[64];

    for (int round = 0; round < ROUNDS; round++) {
        double mine, theirs;

        if (round % 2) {
            mine = rate(ours, broker, l, count);
            theirs = rate(plain, broker, l, count);
        } else {
            theirs = rate(plain, broker, l, count);
            mine = rate(ours, broker, l, count);
        }
        ratios[round] = mine / theirs;
        rates[round] = mine;
    }
    snprintf(label, sizeof label, "%s_%s_of_limit", name, sync);
    bench_result(label, bench_median(ratios, ROUNDS));
    snprintf(label, sizeof label, "%s_%s_per_second", name, sync);
    bench_result(label, bench_median(rates, ROUNDS));
}

int main(int argc, char **argv)
{
    const char *sync = argc > 1 ? argv[1] : "OFF";
    int count = strcmp(sync, "OFF") == 0 ? 3000 : 300;
    sb_broker *broker = bench_open(bench_fresh("hot-ours.db"), sync);
    const char *path = bench_fresh("hot-limit.db");
    limit l;

    sb_close(bench_open(path, sync));
    limit_open(&l, path, sync);
    compare("write", sync, ours_write, plain_write, broker, &l, count);
    compare("claim", sync, ours_claim, plain_claim, broker, &l, count - 10);
    compare("peek", sync, ours_peek, plain_peek, broker, &l, count * 10);
    limit_close(&l);
    sb_close(broker);
    return 0;
}
