/* Hearing of every operation, and of warnings. */
#include "example.h"

static void on_trace(void *payload, const char *operation, int64_t duration_ns, int64_t rows,
                     int32_t retries, sb_status status)
{
    (void)payload;
    printf("%s: %s, rows %d, retries %d, took time: %s\n", operation, sb_status_name(status),
           (int)rows, (int)retries, duration_ns > 0 ? "yes" : "no");
}

static void on_warning(void *payload, sb_warning kind, const char *text)
{
    (void)payload;
    printf("warning %d: %s\n", (int)kind, text);
}

int main(void)
{
    sb_config *config = NULL;
    sb_broker *broker = NULL;
    sb_messages *messages = NULL;

    check(sb_config_from_environment(&config));
    check(sb_config_on_warning(config, on_warning, NULL, NULL));
    check(sb_open_path(&broker, "traced.db", SB_NTS, config, NULL));
    sb_config_free(config);

    check(sb_broker_on_trace(broker, on_trace, NULL, NULL));
    check(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, NULL));
    check(sb_claim(&messages, broker, "q", SB_NTS, 10, NULL));
    sb_messages_free(messages);
    check(sb_claim(&messages, broker, "q", SB_NTS, 10, NULL));
    check(sb_alias_add(broker, "q", SB_NTS, "other", SB_NTS, NULL));
    sb_close(broker);
    return 0;
}
