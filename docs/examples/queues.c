/* Questions about queues, aliases, broadcasts. */
#include "example.h"

static void list(sb_broker *broker, const char *pattern)
{
    sb_queues *queues = NULL;

    check(sb_queues_list(&queues, broker, NULL, 0, pattern, SB_NTS, NULL));
    for (size_t i = 0; i < sb_queues_count(queues); i++) {
        printf("%s: %d pending, %d claimed\n", sb_queues_name(NULL, queues, i),
               (int)sb_queues_pending(queues, i), (int)sb_queues_claimed(queues, i));
    }
    sb_queues_free(queues);
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_messages *messages = NULL;
    int64_t reached = 0;
    char *queue = NULL;

    check(sb_open_path(&broker, "queues.db", SB_NTS, NULL, NULL));
    check(sb_write(NULL, broker, "mail.eu", SB_NTS, "ping", SB_NTS, NULL));
    check(sb_write(NULL, broker, "mail.us", SB_NTS, "ping", SB_NTS, NULL));
    check(sb_claim(&messages, broker, "mail.us", SB_NTS, 1, NULL));
    sb_messages_free(messages);

    check(sb_broadcast(&reached, broker, "reload", SB_NTS, "mail.*", SB_NTS, NULL));
    printf("broadcast to %d queues\n", (int)reached);
    list(broker, "mail.*");

    check(sb_rename(NULL, NULL, broker, "mail.us", SB_NTS, "mail.na", SB_NTS, NULL));
    check(sb_alias_add(broker, "america", SB_NTS, "mail.na", SB_NTS, NULL));
    check(sb_queue_resolve(&queue, NULL, broker, "@america", SB_NTS, NULL));
    printf("@america is %s\n", queue);
    sb_free(queue);

    check(sb_search(&messages, broker, "mail.eu", SB_NTS, "load", SB_NTS, 10, NULL));
    printf("found: %zu\n", sb_messages_count(messages));
    sb_messages_free(messages);

    printf("old name: %s\n",
           sb_status_text(check(sb_exists(broker, "mail.us", SB_NTS, NULL))));
    check(sb_delete_queue(NULL, broker, "mail.eu", SB_NTS, NULL));
    list(broker, NULL);
    sb_close(broker);
    return 0;
}
