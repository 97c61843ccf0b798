/*
 * All SQL of the operations, one table for each dialect. The operations name statements by what
 * they do; a dialect provides the text.
 */
#ifndef SB_SQL_H
#define SB_SQL_H

/* Selections come in two variants: pending messages, or claimed ones too. */
enum { SB__PENDING = 0, SB__ANY = 1 };

/* How many rows the statements for some rows are for. */
enum { SB__SOME = 50 };

typedef struct sb__sql {
    /* high-water */
    const char *last_ts_get;               /* -> value */
    const char *last_ts_advance;           /* ?1 new value */
    const char *last_ts_advance_returning; /* the same, -> value */
    const char *max_ts;                    /* -> greatest stored ts, or NULL */

    /* write, insert */
    const char *insert;      /* ?1 queue, ?2 body, ?3 ts */
    const char *insert_some; /* the same for SB__SOME rows, one after the other */

    /* claim, move, peek: all -> id, body, ts, in ascending id; bounds are exclusive */
    const char *oldest;          /* pending, no bounds: ?1 queue, ?2 limit */
    const char *oldest_one;      /* the same with the limit 1 written out, which is cheaper */
    const char *range_walk[2];   /* ?1 queue, ?2 above id, ?3 after, ?4 before, ?5 limit */
    const char *range_sort[2];   /* the same parameters; visits the whole range */
    const char *range_head;      /* pending: the same, ?6 how many of the oldest to look at */
    const char *range_probe[2];  /* ?1 queue, ?2 after, ?3 before, ?4 cap -> rows, at most cap */
    const char *by_ts[2];        /* ?1 queue, ?2 ts */
    const char *pending_by_ts;   /* ?1 queue, ?2 above ts, ?3 up to ts, ?4 limit; ascending ts */
    const char *mark_claimed;    /* ?1 id */
    const char *mark_moved;      /* ?1 id, ?2 queue */
    const char *oldest_bare;        /* ?1 queue, ?2 above id, ?3 limit -> body, ts */
    const char *mark_range_claimed; /* all that is pending: ?1 queue, ?2 first id, ?3 last id */
    const char *mark_range_moved;   /* the same, ?4 queue */
    const char *mark_bounded_claimed; /* the same as the first, ?4 after, ?5 before */
    const char *mark_bounded_moved;   /* the same, ?6 queue */
    const char *mark_some_claimed;  /* ?1 to ?50 ids, which may repeat each other */
    const char *mark_some_moved;    /* the same, ?51 queue */

    /* transactions inside transactions */
    const char *savepoint;
    const char *savepoint_release;
    const char *savepoint_rollback;

    /* questions; names of queues come in ascending order */
    const char *exists;              /* ?1 queue -> 1 */
    const char *has_pending;         /* ?1 queue -> 1 */
    const char *has_pending_bounded; /* ?1 queue, ?2 after, ?3 before -> 1 */
    const char *latest_pending;      /* ?1 queue -> ts */
    const char *queue_stats;         /* ?1 queue -> pending, total */
    const char *queue_names;         /* ?1 from, ?2 below -> queue */
    const char *queue_list;          /* ?1 from, ?2 below -> queue, pending, total */
    const char *overall_stats;       /* -> pending, total */
    const char *broker_status;       /* -> total, high-water or NULL */
    const char *database_size;       /* -> bytes */
    const char *data_version;        /* -> counter of foreign commits */
    const char *meta_list;           /* -> key, value */
    const char *any_pending;         /* -> 1 */
    const char *newest_row;          /* -> greatest storage id, or NULL */
    const char *rows_above;          /* ?1 storage id, ?2 limit -> id, queue, ts, claimed */

    /* delete, rename; each with a statement that counts, for runners that cannot count changes */
    const char *delete_queue; /* ?1 queue */
    const char *queue_count;
    const char *delete_queue_before; /* ?1 queue, ?2 before */
    const char *delete_queue_before_count;
    const char *delete_all;
    const char *delete_all_count;
    const char *delete_id; /* ?1 queue, ?2 ts */
    const char *delete_id_returning;
    const char *rename_queue; /* ?1 old, ?2 new; counted by queue_count */

    /* search: all -> ts, in ascending id; the range is sorted or walked */
    const char *search_oldest;   /* pending, no bounds: ?1 queue, ?2 text, ?3 limit */
    const char *search_walk;     /* pending: ?1 queue, ?2 text, ?3 after, ?4 before, ?5 limit */
    const char *search_sort[2];  /* the same parameters */

    /* aliases */
    const char *alias_list;        /* -> alias, target, by alias */
    const char *alias_list_target; /* ?1 target -> alias, target, by alias */
    const char *alias_target;      /* ?1 alias -> target */
    const char *alias_exists;      /* ?1 alias -> 1 */
    const char *alias_add;         /* ?1 alias, ?2 target */
    const char *alias_is_target;   /* ?1 queue -> 1 */
    const char *alias_remove;      /* ?1 alias */
    const char *alias_remove_returning;
    const char *alias_retarget; /* ?1 old target, ?2 new target */
    const char *alias_retarget_returning;
    const char *alias_version_get;   /* -> value */
    const char *alias_version_raise; /* ?1 clock; becomes greater in any case */

    /* vacuum */
    const char *vacuum_page;   /* ?1 queue, ?2 ts, ?3 limit: what follows -> queue, ts, id, claimed */
    const char *vacuum_delete; /* ?1 id, if it is still claimed */
    const char *vacuum_delete_returning;
    const char *vacuum_take; /* ?1 how many claimed rows to delete -> id of each */
    const char *auto_vacuum_get;  /* -> 2 when free pages can be released in small numbers */
    const char *release_pages;    /* up to 100 of them */
    const char *compact_prepare;
    const char *compact;          /* not inside a transaction */
    const char *backup_into;      /* ?1 path; not inside a transaction */
} sb__sql;

extern const sb__sql sb__sql_sqlite;

#endif
