/* A broker over the application's own connection: queues in its database, in its transactions. */
#include "example.h"

#include <sqlite3.h>

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static void show_pending(sb_broker *broker, const char *when)
{
    int64_t pending = 0;

    check(sb_queue_stats(&pending, NULL, broker, "mail", SB_NTS, NULL));
    printf("%s: %d\n", when, (int)pending);
}

int main(void)
{
    sqlite3 *db = NULL;
    sb_broker *broker = NULL;

    if (sqlite3_open("app.db", &db) != SQLITE_OK) {
        return 1;
    }
    run(db, "PRAGMA journal_mode = WAL");
    run(db, "CREATE TABLE users (name TEXT)");
    check(sb_open_sqlite(&broker, db, NULL, NULL));

    run(db, "BEGIN IMMEDIATE");
    run(db, "INSERT INTO users VALUES ('eve')");
    check(sb_write(NULL, broker, "mail", SB_NTS, "welcome eve", SB_NTS, NULL));
    run(db, "ROLLBACK");
    show_pending(broker, "after the application rolled back");

    run(db, "BEGIN IMMEDIATE");
    run(db, "INSERT INTO users VALUES ('ann')");
    check(sb_write(NULL, broker, "mail", SB_NTS, "welcome ann", SB_NTS, NULL));
    run(db, "COMMIT");
    show_pending(broker, "after the application committed");

    sb_close(broker);
    sqlite3_close(db);
    return 0;
}
