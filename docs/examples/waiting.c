/* Waiting for other writers ends: by a time limit, or by a switch thrown in a signal handler. */
#include "example.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/time.h>

static sb_cancel *interrupted;

static void on_signal(int number)
{
    (void)number;
    sb_cancel_set(interrupted);
}

static void show(sb_status status)
{
    printf("%s: %s\n", sb_status_name(status), sb_error_message(NULL));
}

int main(void)
{
    struct itimerval soon = {{0, 0}, {0, 100000}};
    sb_broker *broker = NULL;
    sb_options options;
    sqlite3 *other = NULL;

    check(sb_open_path(&broker, "busy.db", SB_NTS, NULL, NULL));
    if (sqlite3_open("busy.db", &other) != SQLITE_OK ||
        sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        return 1;
    }

    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 100;
    show(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, &options));
    printf("it was busy: %s\n", (sb_error_sqlite_code(NULL) & 0xff) == SQLITE_BUSY ? "yes" : "no");

    check(sb_cancel_new(&interrupted));
    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.cancel = interrupted;
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &soon, NULL);
    show(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, &options));

    sqlite3_close(other);
    sb_cancel_reset(interrupted);
    show(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, &options));
    sb_close(broker);
    sb_cancel_free(interrupted);
    return 0;
}
