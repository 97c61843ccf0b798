/* A worker that loses nothing: move to a queue of its own, work, delete; and the recovery. */
#include "example.h"

static int work_on(const char *body)
{
    printf("working on %s\n", body);
    return 1;
}

/* Handles what is in `jobs`; dies in the middle of message number `crash_at`, if that is not 0. */
static void worker(sb_broker *broker, const char *own, int crash_at)
{
    sb_messages *moved = NULL;

    for (int n = 1; check(sb_move(&moved, broker, "jobs", SB_NTS, own, SB_NTS, 1, NULL)) == SB_OK;
         n++) {
        int64_t id = sb_messages_id(moved, 0);
        int finished = n != crash_at && work_on(sb_messages_body(NULL, moved, 0));

        sb_messages_free(moved);
        if (!finished) {
            printf("%s crashed\n", own);
            return;
        }
        check(sb_delete_ids(NULL, broker, own, SB_NTS, &id, 1, NULL));
    }
}

/* Gives back what a dead worker had in hand. The messages keep their ids and their place. */
static void recover(sb_broker *broker, const char *own)
{
    sb_messages *moved = NULL;

    while (check(sb_move(&moved, broker, own, SB_NTS, "jobs", SB_NTS, 100, NULL)) == SB_OK) {
        printf("recovered %zu from %s\n", sb_messages_count(moved), own);
        sb_messages_free(moved);
    }
}

int main(void)
{
    sb_broker *broker = NULL;

    check(sb_open_path(&broker, "jobs.db", SB_NTS, NULL, NULL));
    check(sb_write(NULL, broker, "jobs", SB_NTS, "a.png", SB_NTS, NULL));
    check(sb_write(NULL, broker, "jobs", SB_NTS, "b.png", SB_NTS, NULL));
    check(sb_write(NULL, broker, "jobs", SB_NTS, "c.png", SB_NTS, NULL));

    worker(broker, "inflight.1", 2);
    recover(broker, "inflight.1");
    worker(broker, "inflight.2", 0);
    sb_close(broker);
    return 0;
}
