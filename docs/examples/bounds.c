/* Bounds: go on from a checkpoint, take only what is old enough, look at what was taken. */
#include "example.h"

static size_t count(sb_broker *broker, const sb_options *options)
{
    sb_messages *messages = NULL;
    size_t number = 0;

    if (check(sb_peek(&messages, broker, "log", SB_NTS, 100, options)) == SB_OK) {
        number = sb_messages_count(messages);
    }
    sb_messages_free(messages);
    return number;
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_options options;
    sb_messages *taken = NULL;
    int64_t checkpoint = 0;

    check(sb_open_path(&broker, "log.db", SB_NTS, NULL, NULL));
    check(sb_write(NULL, broker, "log", SB_NTS, "started", SB_NTS, NULL));
    check(sb_write(&checkpoint, broker, "log", SB_NTS, "ready", SB_NTS, NULL));
    check(sb_write(NULL, broker, "log", SB_NTS, "stopped", SB_NTS, NULL));

    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.after = checkpoint;
    printf("after the checkpoint: %zu\n", count(broker, &options));

    check(sb_bound_parse(&options.after, "2024-01-15", SB_NTS));
    options.before = checkpoint;
    printf("since 2024 and before it: %zu\n", count(broker, &options));

    check(sb_claim(&taken, broker, "log", SB_NTS, 2, NULL));
    sb_messages_free(taken);
    printf("pending: %zu\n", count(broker, NULL));
    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = SB_INCLUDE_CLAIMED;
    printf("with the claimed ones: %zu\n", count(broker, &options));
    sb_close(broker);
    return 0;
}
