/*
 * SQLite's dialect. Statements that must stay fast on large queues name their index: statistics
 * left behind by an ANALYZE must not lead the planner into visiting a million rows for one.
 */
#include "sql.h"

#include <stddef.h>

#define PENDING "claimed = 0"
#define ROW "SELECT id, body, ts FROM messages "
#define BY_ORDER "INDEXED BY idx_messages_unclaimed "
#define BY_PENDING_TS "INDEXED BY idx_messages_pending_queue_ts "
#define BY_TS "INDEXED BY idx_messages_queue_ts_id "
#define ALL_PENDING "(SELECT count(*) FROM messages WHERE " PENDING ")"
#define ALL_ROWS "(SELECT count(*) FROM messages)"
#define RANGE "queue = ?1 AND ts > ?3 AND ts < ?4 AND id > ?2 "

/*
 * The names of queues in a range, each found by one search in an index: DISTINCT or GROUP BY would
 * visit every row.
 */
#define NAMES                                                                                      \
    "WITH RECURSIVE names(name) AS ("                                                              \
    "SELECT (SELECT queue FROM messages " BY_TS                                                    \
    "WHERE queue >= ?1 AND queue < ?2 ORDER BY queue LIMIT 1) "                                    \
    "UNION ALL SELECT (SELECT queue FROM messages " BY_TS                                          \
    "WHERE queue > name AND queue < ?2 ORDER BY queue LIMIT 1) "                                   \
    "FROM names WHERE name IS NOT NULL) "
#define COUNTS(queue_text)                                                                         \
    "(SELECT count(*) FROM messages " BY_ORDER "WHERE queue = " queue_text " AND " PENDING "), "   \
    "(SELECT count(*) FROM messages " BY_TS "WHERE queue = " queue_text ")"

#define TEN(tens)                                                                                  \
    "?" #tens "0, ?" #tens "1, ?" #tens "2, ?" #tens "3, ?" #tens "4, ?" #tens "5, ?" #tens "6, "  \
    "?" #tens "7, ?" #tens "8, ?" #tens "9, "
#define SOME                                                                                       \
    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, " TEN(1) TEN(2) TEN(3) TEN(4) "?50)"
#define TEN_ROWS                                                                                   \
    "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), "     \
    "(?, ?, ?), (?, ?, ?)"
#define PENDING_RANGE "WHERE queue = ?1 AND " PENDING " AND id BETWEEN ?2 AND ?3"

/* A search's text is looked for only in rows that nothing else rules out. */
#define FOUND "ts > ?3 AND ts < ?4 AND instr(body, ?2) > 0 "

const sb__sql sb__sql_sqlite = {
    .last_ts_get = "SELECT value FROM meta WHERE key = 'last_ts'",
    .last_ts_advance = "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1",
    .last_ts_advance_returning =
        "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1 RETURNING value",
    .max_ts = "SELECT max(ts) FROM messages",

    .insert = "INSERT INTO messages (queue, body, ts) VALUES (?1, ?2, ?3)",
    .insert_some = "INSERT INTO messages (queue, body, ts) VALUES " TEN_ROWS ", " TEN_ROWS ", "
                   TEN_ROWS ", " TEN_ROWS ", " TEN_ROWS,

    .oldest = ROW BY_ORDER "WHERE queue = ?1 AND " PENDING " ORDER BY id LIMIT ?2",
    .oldest_bare = "SELECT body, ts FROM messages " BY_ORDER "WHERE queue = ?1 AND " PENDING
                   " AND id > ?2 ORDER BY id LIMIT ?3",
    .oldest_one = ROW BY_ORDER "WHERE queue = ?1 AND " PENDING " ORDER BY id LIMIT 1",
    .range_walk = {ROW BY_ORDER "WHERE " RANGE "AND " PENDING " ORDER BY id LIMIT ?5",
                   ROW "NOT INDEXED WHERE " RANGE "ORDER BY id LIMIT ?5"},
    .range_sort = {ROW "WHERE id IN (SELECT id FROM messages " BY_PENDING_TS "WHERE " RANGE
                       "AND " PENDING " ORDER BY id LIMIT ?5) ORDER BY id",
                   ROW "WHERE id IN (SELECT id FROM messages " BY_TS "WHERE " RANGE
                       "ORDER BY id LIMIT ?5) ORDER BY id"},
    .range_head = ROW "WHERE id IN (SELECT id FROM (SELECT id, ts FROM messages " BY_ORDER
                      "WHERE queue = ?1 AND " PENDING " AND id > ?2 ORDER BY id LIMIT ?6) "
                      "WHERE ts > ?3 AND ts < ?4 ORDER BY id LIMIT ?5) ORDER BY id",
    .range_probe = {"SELECT count(*) FROM (SELECT 1 FROM messages " BY_PENDING_TS
                    "WHERE queue = ?1 AND ts > ?2 AND ts < ?3 AND " PENDING " LIMIT ?4)",
                    "SELECT count(*) FROM (SELECT 1 FROM messages " BY_TS
                    "WHERE queue = ?1 AND ts > ?2 AND ts < ?3 LIMIT ?4)"},
    .by_ts = {ROW "WHERE queue = ?1 AND ts = ?2 AND " PENDING,
              ROW "WHERE queue = ?1 AND ts = ?2"},
    .pending_by_ts = ROW BY_PENDING_TS "WHERE queue = ?1 AND ts > ?2 AND ts <= ?3 AND " PENDING
                         " ORDER BY ts LIMIT ?4",
    .mark_claimed = "UPDATE messages SET claimed = 1 WHERE id = ?1",
    .mark_moved = "UPDATE messages SET queue = ?2, claimed = 0 WHERE id = ?1",
    .mark_range_claimed = "UPDATE messages " BY_ORDER "SET claimed = 1 " PENDING_RANGE,
    .mark_range_moved = "UPDATE messages " BY_ORDER "SET queue = ?4 " PENDING_RANGE,
    .mark_bounded_claimed =
        "UPDATE messages " BY_ORDER "SET claimed = 1 " PENDING_RANGE " AND ts > ?4 AND ts < ?5",
    .mark_bounded_moved =
        "UPDATE messages " BY_ORDER "SET queue = ?6 " PENDING_RANGE " AND ts > ?4 AND ts < ?5",
    .mark_some_claimed = "UPDATE messages SET claimed = 1 WHERE id IN " SOME,
    .mark_some_moved = "UPDATE messages SET queue = ?51, claimed = 0 WHERE id IN " SOME,

    .savepoint = "SAVEPOINT simplebroker",
    .savepoint_release = "RELEASE simplebroker",
    .savepoint_rollback = "ROLLBACK TO simplebroker",

    .exists = "SELECT 1 FROM messages " BY_TS "WHERE queue = ?1 LIMIT 1",
    .has_pending = "SELECT 1 FROM messages " BY_ORDER "WHERE queue = ?1 AND " PENDING " LIMIT 1",
    .has_pending_bounded = "SELECT 1 FROM messages " BY_PENDING_TS
                           "WHERE queue = ?1 AND ts > ?2 AND ts < ?3 AND " PENDING " LIMIT 1",
    /* Without the bound, statistics can make the planner sort a queue that it takes for short. */
    .latest_pending = "SELECT ts FROM messages " BY_PENDING_TS "WHERE queue = ?1 AND ts >= 0 AND "
                      PENDING " ORDER BY ts DESC LIMIT 1",
    .queue_stats = "SELECT " COUNTS("?1"),
    .queue_names = NAMES "SELECT name FROM names WHERE name IS NOT NULL",
    .queue_list = NAMES "SELECT name, " COUNTS("name") " FROM names WHERE name IS NOT NULL",
    .overall_stats = "SELECT " ALL_PENDING ", " ALL_ROWS,
    .broker_status = "SELECT " ALL_ROWS ", (SELECT value FROM meta WHERE key = 'last_ts')",
    .database_size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    .data_version = "PRAGMA data_version",
    .meta_list = "SELECT key, value FROM meta",
    .any_pending = "SELECT 1 FROM messages " BY_ORDER "WHERE queue > '' AND " PENDING
                   " LIMIT 1",
    .newest_row = "SELECT max(id) FROM messages",
    .rows_above = "SELECT id, queue, ts, claimed FROM messages WHERE id > ?1 ORDER BY id LIMIT ?2",

    .delete_queue = "DELETE FROM messages WHERE queue = ?1",
    .queue_count = "SELECT count(*) FROM messages " BY_TS "WHERE queue = ?1",
    .delete_queue_before = "DELETE FROM messages " BY_TS "WHERE queue = ?1 AND ts < ?2",
    .delete_queue_before_count =
        "SELECT count(*) FROM messages " BY_TS "WHERE queue = ?1 AND ts < ?2",
    .delete_all = "DELETE FROM messages",
    .delete_all_count = "SELECT count(*) FROM messages",
    .delete_id = "DELETE FROM messages WHERE queue = ?1 AND ts = ?2",
    .delete_id_returning = "DELETE FROM messages WHERE queue = ?1 AND ts = ?2 RETURNING id",
    .rename_queue = "UPDATE messages SET queue = ?2 WHERE queue = ?1",

    .search_oldest = "SELECT ts FROM messages " BY_ORDER "WHERE queue = ?1 AND " PENDING
                     " AND instr(body, ?2) > 0 ORDER BY id LIMIT ?3",
    .search_walk = "SELECT ts FROM messages " BY_ORDER "WHERE queue = ?1 AND " PENDING " AND " FOUND
                   "ORDER BY id LIMIT ?5",
    .search_sort = {"SELECT ts FROM messages " BY_PENDING_TS "WHERE queue = ?1 AND " PENDING
                    " AND " FOUND "ORDER BY id LIMIT ?5",
                    "SELECT ts FROM messages " BY_TS "WHERE queue = ?1 AND " FOUND
                    "ORDER BY id LIMIT ?5"},

    .alias_list = "SELECT alias, target FROM queue_aliases ORDER BY alias",
    .alias_list_target = "SELECT alias, target FROM queue_aliases INDEXED BY "
                         "idx_queue_aliases_target WHERE target = ?1 ORDER BY alias",
    .alias_target = "SELECT target FROM queue_aliases WHERE alias = ?1",
    .alias_exists = "SELECT 1 FROM queue_aliases WHERE alias = ?1",
    .alias_add = "INSERT INTO queue_aliases (alias, target) VALUES (?1, ?2)",
    .alias_is_target = "SELECT 1 FROM queue_aliases WHERE target = ?1 LIMIT 1",
    .alias_remove = "DELETE FROM queue_aliases WHERE alias = ?1",
    .alias_remove_returning = "DELETE FROM queue_aliases WHERE alias = ?1 RETURNING alias",
    .alias_retarget = "UPDATE queue_aliases SET target = ?2 WHERE target = ?1",
    .alias_retarget_returning =
        "UPDATE queue_aliases SET target = ?2 WHERE target = ?1 RETURNING alias",
    .alias_version_get = "SELECT value FROM meta WHERE key = 'alias_version'",
    .alias_version_raise =
        "UPDATE meta SET value = CASE WHEN value >= ?1 AND value < 9223372036854775807 "
        "THEN value + 1 ELSE ?1 END WHERE key = 'alias_version'",

    .vacuum_page = "SELECT m.queue, m.ts, m.id, NOT EXISTS (SELECT 1 FROM messages AS p " BY_ORDER
                   "WHERE p.queue = m.queue AND p." PENDING " AND p.id = m.id) "
                   "FROM messages AS m " BY_TS
                   "WHERE (m.queue, m.ts) > (?1, ?2) ORDER BY m.queue, m.ts LIMIT ?3",
    .vacuum_delete = "DELETE FROM messages WHERE id = ?1 AND claimed = 1",
    .vacuum_delete_returning = "DELETE FROM messages WHERE id = ?1 AND claimed = 1 RETURNING id",
    .vacuum_take = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE claimed = 1 "
                   "LIMIT ?1) RETURNING id",
    .auto_vacuum_get = "PRAGMA auto_vacuum",
    .release_pages = "PRAGMA incremental_vacuum(100)",
    .compact_prepare = "PRAGMA auto_vacuum = 2",
    .compact = "VACUUM",
    .backup_into = "VACUUM INTO ?1",
};
