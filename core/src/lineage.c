/*
 * Fork. While an inherited WAL connection is open in a child, SQLite takes no POSIX locks for a new
 * connection of the child to the same file, since it finds the file in its inherited table of
 * inodes, and acknowledged writes are lost. So before a fork every turn is taken, and in the child
 * every idle inherited connection is closed, without a checkpoint, before anything else can happen.
 * One that is inside a transaction cannot be closed; its database is refused in the child.
 */
#include "lineage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "runner_sqlite.h"
#include "setup_lock.h"

enum { PREPARE_LIMIT_MS = 1000, NS_PER_MS = 1000000, REFUSED_FILES = 64 };

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handlers_once = PTHREAD_ONCE_INIT;
static int handlers_failed;
static atomic_int handlers_installed;
static sb_broker *live;

static struct {
    uint64_t device, inode;
} refused[REFUSED_FILES];
static size_t refused_count;
static int refuse_all; /* more files than the table holds */

/* A closed broker lives on with its child handles, and its connection with it. */
static int take(sb__turn *turn, int64_t timeout_ms)
{
    sb_status status = sb__turn_take(turn, timeout_ms, NULL);

    return status == SB_ECLOSED ? sb__turn_take_closed(turn, timeout_ms) : status == SB_OK;
}

/* Of the broker's own connection and of its reading one. */
static int take_both(sb_broker *broker, int64_t timeout_ms)
{
    if (!take(&broker->turn, timeout_ms)) {
        return 0;
    }
    if (!take(&broker->reader.turn, timeout_ms)) {
        sb__turn_give(&broker->turn);
        return 0;
    }
    return 1;
}

static void prepare(void)
{
    int64_t end = sb__clock_monotonic_ns() + (int64_t)PREPARE_LIMIT_MS * NS_PER_MS;
    sb_error saved;

    sb__error_stash(&saved);
    pthread_mutex_lock(&list_mutex);
    for (sb_broker *b = live; b; b = b->next) {
        int64_t left = (end - sb__clock_monotonic_ns()) / NS_PER_MS;

        if (sb__cancel_nobody_asks() && !b->runner.sqlite) {
            left = 0; /* a runner of the host's: it may need what the host holds */
        }
        b->fork_has_turn = take_both(b, left > 0 ? left : 0);
    }
    sb__error_unstash(&saved);
}

static void in_parent(void)
{
    for (sb_broker *b = live; b; b = b->next) {
        if (b->fork_has_turn) {
            b->fork_has_turn = 0;
            sb__turn_give(&b->reader.turn);
            sb__turn_give(&b->turn);
        }
    }
    pthread_mutex_unlock(&list_mutex);
    sb__cancel_ask_again(0);
}

void sb__lineage_refuse(const sb__sqlite *sqlite)
{
    uint64_t device = 0, inode = 0;

    if (sqlite) {
        sb__sqlite_file_id(sqlite, &device, &inode);
    }
    if (!inode) {
        return;
    }
    if (refused_count == REFUSED_FILES) {
        refuse_all = 1;
        return;
    }
    refused[refused_count].device = device;
    refused[refused_count].inode = inode;
    refused_count++;
}

static void adapt_to_child(sb_broker *broker)
{
    sb__sqlite *sqlite = broker->runner.sqlite;
    int idle = broker->fork_has_turn;

    broker->fork_has_turn = 0;
    if (atomic_load(&broker->forked) || atomic_load(&broker->backups)) {
        idle = 0; /* what was inherited at work, perhaps by the parent already, cannot be closed */
    }
    if (sqlite && !sb__sqlite_is_adopted(sqlite)) {
        if (idle && sb__reader_close_inherited(&broker->reader) == SB_OK &&
            sb__sqlite_close_inherited(sqlite) == SB_OK) {
            atomic_store(&broker->reopen, 1);
        } else {
            atomic_store(&broker->forked, 1);
            sb__lineage_refuse(sqlite);
        }
    } else if (!idle) {
        atomic_store(&broker->forked, 1);
    }
    sb__timestamp_init(&broker->timestamp);
    atomic_store(&broker->maintenance.running, 0);
    sb__turn_reset_after_fork(&broker->reader.turn);
    sb__turn_reset_after_fork(&broker->turn);
}

static void in_child(void)
{
    sb_error saved;

    sb__error_stash(&saved);
    for (sb_broker *b = live; b; b = b->next) {
        adapt_to_child(b);
    }
    sb__error_unstash(&saved);
    pthread_mutex_unlock(&list_mutex);
    sb__cancel_ask_again(1);
}

static void install_handlers(void)
{
    sb__file_locks_watch_forks();
    handlers_failed = pthread_atfork(prepare, in_parent, in_child);
    atomic_store(&handlers_installed, !handlers_failed);
}

void sb_fork_soon(void)
{
    if (atomic_load(&handlers_installed)) {
        sb__cancel_stop_asking(PREPARE_LIMIT_MS);
    }
}

sb_status sb__lineage_add(sb_broker *broker)
{
    pthread_once(&handlers_once, install_handlers);
    if (handlers_failed) {
        return sb__fail_nomem();
    }
    pthread_mutex_lock(&list_mutex);
    broker->next = live;
    live = broker;
    pthread_mutex_unlock(&list_mutex);
    return SB_OK;
}

void sb__lineage_remove(sb_broker *broker)
{
    pthread_mutex_lock(&list_mutex);
    for (sb_broker **link = &live; *link; link = &(*link)->next) {
        if (*link == broker) {
            *link = broker->next;
            break;
        }
    }
    broker->next = NULL;
    pthread_mutex_unlock(&list_mutex);
}

int sb__lineage_may_wait(void *payload)
{
    sb_broker *broker = payload;
    uint64_t device = 0, inode = 0;
    int may = 1;

    sb__sqlite_file_id(broker->runner.sqlite, &device, &inode);
    pthread_mutex_lock(&list_mutex);
    for (sb_broker *b = live; b && may && inode; b = b->next) {
        uint64_t other_device = 0, other_inode = 0;

        /* Only who has the turn may look at the rest: a broker is listed before it is open. */
        if (b != broker && sb__turn_is_mine(&b->turn) && b->runner.sqlite) {
            sb__sqlite_file_id(b->runner.sqlite, &other_device, &other_inode);
            may = other_device != device || other_inode != inode ||
                  !sb__sqlite_in_transaction(b->runner.sqlite);
        }
    }
    pthread_mutex_unlock(&list_mutex);
    return may;
}

sb_status sb__lineage_check_path(const char *path)
{
    struct stat info;
    int refuse = refuse_all;

    if (!refused_count || stat(path, &info)) {
        return SB_OK;
    }
    for (size_t i = 0; i < refused_count; i++) {
        refuse |= refused[i].device == (uint64_t)info.st_dev &&
                  refused[i].inode == (uint64_t)info.st_ino;
    }
    return refuse ? sb__fail(SB_EFORK,
                             "the process was forked inside a transaction on this database, which "
                             "it cannot use any more: %s",
                             path)
                  : SB_OK;
}
