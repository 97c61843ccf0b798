/* A watcher hands each message to a function, which here ends it after the last job. */
#include "example.h"

#include <string.h>

static sb_status handle(void *payload, int64_t id, const char *body, size_t body_len)
{
    int *failed = payload;

    (void)id;
    (void)body_len;
    if (strcmp(body, "odd job") == 0) {
        return sb_error_set(SB_ERUNTIME, "nobody knows how", SB_NTS, 0);
    }
    printf("done: %s (%d failed so far)\n", body, *failed);
    return strcmp(body, "last job") == 0 ? SB_EMPTY : SB_OK; /* anything positive ends it */
}

static int count_failure(void *payload, sb_status status, int64_t id, const char *body,
                         size_t body_len)
{
    int *failed = payload;

    (void)status;
    (void)id;
    printf("failed: %.*s: %s\n", (int)body_len, body, sb_error_message(NULL));
    ++*failed;
    return 0; /* go on */
}

int main(void)
{
    const char *const jobs[] = {"first job", "odd job", "last job"};
    sb_broker *broker = NULL;
    sb_watcher *watcher = NULL;
    int failed = 0;

    check(sb_open_path(&broker, "jobs.db", SB_NTS, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        check(sb_write(NULL, broker, "jobs", SB_NTS, jobs[i], SB_NTS, NULL));
    }

    check(sb_watcher_open(&watcher, broker, SB_CURSOR_CLAIM, "jobs", SB_NTS, NULL, 0, 0, NULL,
                          handle, &failed));
    sb_watcher_on_error(watcher, count_failure, &failed);
    check(sb_watcher_run(watcher)); /* until it ends, or sb_watcher_stop() from anywhere */

    sb_watcher_close(watcher);
    sb_close(broker);
    return 0;
}
