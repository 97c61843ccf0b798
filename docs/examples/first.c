/* Open, write, look, take. */
#include "example.h"

static void show(const char *what, const sb_messages *messages)
{
    for (size_t i = 0; i < sb_messages_count(messages); i++) {
        size_t len = 0;
        const char *body = sb_messages_body(&len, messages, i);

        printf("%s: %s (%zu bytes)\n", what, body, len);
    }
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_messages *messages = NULL;
    int64_t first = 0, second = 0;

    check(sb_open_path(&broker, "jobs.db", SB_NTS, NULL, NULL));
    check(sb_write(&first, broker, "jobs", SB_NTS, "one", SB_NTS, NULL));
    check(sb_write(&second, broker, "jobs", SB_NTS, "two", SB_NTS, NULL));
    check(sb_write(NULL, broker, "jobs", SB_NTS, "three", SB_NTS, NULL));
    printf("ids grow: %s\n", first < second ? "yes" : "no");

    check(sb_peek(&messages, broker, "jobs", SB_NTS, 2, NULL));
    show("peeked", messages);
    sb_messages_free(messages);

    check(sb_claim_id(&messages, broker, "jobs", SB_NTS, second, NULL));
    show("claimed by id", messages);
    sb_messages_free(messages);

    while (check(sb_claim(&messages, broker, "jobs", SB_NTS, 1, NULL)) == SB_OK) {
        show("claimed", messages);
        sb_messages_free(messages);
    }
    printf("the queue is empty\n");
    sb_close(broker);
    return 0;
}
