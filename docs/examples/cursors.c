/* Streams in bounded memory, with each of the two guarantees. */
#include "example.h"

static sb_cursor *open_claims(sb_broker *broker, uint32_t flags, size_t batch_size)
{
    sb_cursor *cursor = NULL;
    sb_options options;

    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = flags;
    check(sb_cursor_open(&cursor, broker, SB_CURSOR_CLAIM, "numbers", SB_NTS, NULL, 0, batch_size,
                         &options));
    return cursor;
}

/* Takes `count` messages and then stops, as a program does that is killed. */
static void take(sb_cursor *cursor, int count)
{
    const char *body;

    while (count-- > 0 && check(sb_cursor_next(NULL, &body, NULL, cursor)) == SB_OK) {
        printf(" %s", body);
    }
    sb_cursor_close(cursor);
    printf("\n");
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_cursor *cursor = NULL;
    int64_t pending = 0;
    char body[16];

    check(sb_open_path(&broker, "numbers.db", SB_NTS, NULL, NULL));
    for (int i = 1; i <= 9; i++) {
        snprintf(body, sizeof body, "%d", i);
        check(sb_write(NULL, broker, "numbers", SB_NTS, body, SB_NTS, NULL));
    }

    printf("peek:");
    check(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "numbers", SB_NTS, NULL, 0, 0, NULL));
    take(cursor, 100);

    printf("exactly once:");
    take(open_claims(broker, 0, 0), 2);

    printf("at least once, in batches of 4, stopped inside one:");
    take(open_claims(broker, SB_AT_LEAST_ONCE, 4), 3);
    check(sb_queue_stats(&pending, NULL, broker, "numbers", SB_NTS, NULL));
    printf("pending: %d\n", (int)pending);

    printf("at least once, to the end:");
    take(open_claims(broker, SB_AT_LEAST_ONCE, 4), 100);
    sb_close(broker);
    return 0;
}
