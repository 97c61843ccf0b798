/* One broker for four threads, and for a child process that inherits it. */
#include "example.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, MESSAGES = 25 };

static void *write_some(void *broker)
{
    for (int i = 0; i < MESSAGES; i++) {
        check(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, NULL));
    }
    return NULL;
}

int main(void)
{
    sb_broker *broker = NULL;
    pthread_t threads[THREADS];
    int64_t pending = 0;
    pid_t child;

    check(sb_open_path(&broker, "shared.db", SB_NTS, NULL, NULL));
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, write_some, broker)) {
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }

    child = fork();
    if (child < 0) {
        return 1;
    }
    write_some(broker);
    if (child == 0) {
        sb_close(broker);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    check(sb_queue_stats(&pending, NULL, broker, "q", SB_NTS, NULL));
    printf("%d messages\n", (int)pending);
    sb_close(broker);
    return 0;
}
