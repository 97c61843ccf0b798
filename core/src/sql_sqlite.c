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
#define RANGE "queue = ?1 AND ts > ?3 AND ts < ?4 AND id > ?2 "

const sb__sql sb__sql_sqlite = {
    .last_ts_get = "SELECT value FROM meta WHERE key = 'last_ts'",
    .last_ts_advance = "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1",
    .last_ts_advance_returning =
        "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1 RETURNING value",
    .max_ts = "SELECT max(ts) FROM messages",

    .insert = "INSERT INTO messages (queue, body, ts) VALUES (?1, ?2, ?3)",

    .oldest = ROW BY_ORDER "WHERE queue = ?1 AND " PENDING " ORDER BY id LIMIT ?2",
    .range_walk = {ROW BY_ORDER "WHERE " RANGE "AND " PENDING " ORDER BY id LIMIT ?5",
                   ROW "NOT INDEXED WHERE " RANGE "ORDER BY id LIMIT ?5"},
    .range_sort = {ROW "WHERE id IN (SELECT id FROM messages " BY_PENDING_TS "WHERE " RANGE
                       "AND " PENDING " ORDER BY id LIMIT ?5) ORDER BY id",
                   ROW "WHERE id IN (SELECT id FROM messages " BY_TS "WHERE " RANGE
                       "ORDER BY id LIMIT ?5) ORDER BY id"},
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

    .savepoint = "SAVEPOINT simplebroker",
    .savepoint_release = "RELEASE simplebroker",
    .savepoint_rollback = "ROLLBACK TO simplebroker",
};
