/*
 * The hubs of the process: one for each database that somebody waits for, found by its path; and
 * for each waiter of a broker without a file, or for which there are no descriptors, one of its own,
 * which polls through the broker. All of them are here for fork(), which must find them at rest.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "files.h"
#include "hub.h"
#include "lineage.h"
#include "netfs.h"
#include "runner_sqlite.h"
#include "wake_fd.h"

enum { FORK_WAIT_S = 1 };

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static int fork_failed;
static sb__hub *hubs;

static void prepare(void)
{
    pthread_mutex_lock(&list_mutex);
    for (sb__hub *hub = hubs; hub; hub = hub->next) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += FORK_WAIT_S;
        hub->fork_locked = !pthread_mutex_timedlock(&hub->mutex, &until);
    }
}

static void in_parent(void)
{
    for (sb__hub *hub = hubs; hub; hub = hub->next) {
        if (hub->fork_locked) {
            pthread_mutex_unlock(&hub->mutex);
        }
    }
    pthread_mutex_unlock(&list_mutex);
}

/*
 * The descriptors are shared with the parent: what is read from them it would miss, and the locks
 * of the doorbell would outlive it. Closed, they are the parent's alone.
 */
static void close_descriptors(sb__hub *hub)
{
    sb__file_events_close(&hub->events);
    sb__wake_fd_close(&hub->bell_fd);
    sb__wake_fd_close(&hub->pollable);
    sb__wake_fd_close(&hub->timer);
    hub->watching = 0;
    for (sb_waiter *w = hub->waiters; w; w = w->next) {
        sb__wake_fd_close(&w->bell);
        sb__wake_fd_close(&w->pollable);
        w->asleep = w->knocked = w->watches = 0;
    }
}

static void adapt_to_child(sb__hub *hub)
{
    if (sb__lookout_is_connected(&hub->lookout) &&
        (!hub->fork_locked || sb__lookout_close_inherited(&hub->lookout))) {
        sb__lineage_refuse(hub->lookout.runner.sqlite);
        memset(&hub->lookout.runner, 0, sizeof hub->lookout.runner); /* in use by nobody here */
    }
    close_descriptors(hub);
    hub->leader = NULL;
    hub->armed = 0;
    if (hub->fork_locked) {
        pthread_mutex_unlock(&hub->mutex);
    } else {
        pthread_mutex_init(&hub->mutex, NULL); /* its owner is not here */
    }
}

static void in_child(void)
{
    sb_error saved;

    sb__error_stash(&saved);
    for (sb__hub *hub = hubs; hub; hub = hub->next) {
        adapt_to_child(hub);
    }
    sb__error_unstash(&saved);
    pthread_mutex_unlock(&list_mutex);
}

static void install_fork_handlers(void)
{
    fork_failed = pthread_atfork(prepare, in_parent, in_child);
    sb__broker_on_close(sb__hubs_wake);
}

static void free_hub(sb__hub *hub)
{
    sb__lookout_disconnect(&hub->lookout);
    close_descriptors(hub);
    sb__topics_dispose(&hub->topics);
    pthread_mutex_destroy(&hub->mutex);
    sb_free(hub->path);
    sb_free(hub->bell_path);
    sb_free(hub->wal_path);
    sb_free(hub);
}

/* One that polls through the broker; or, with a path, one that is not connected yet. */
static sb_status new_hub(sb__hub **out, sb_broker *broker, const char *path)
{
    sb__hub *hub = sb__zalloc(sizeof *hub);
    sb_status status = SB_OK;

    if (!hub) {
        return sb__fail_nomem();
    }
    pthread_mutex_init(&hub->mutex, NULL);
    sb__topics_init(&hub->topics);
    hub->references = 1;
    hub->settings = *broker->settings;
    hub->events = (sb__file_events){-1, -1, -1};
    hub->bell_fd = hub->pollable = hub->timer = -1;
    if (path) {
        hub->path = sb__strndup(path, strlen(path));
        status = hub->path ? sb__companion_path(&hub->bell_path, path, ".lock") : sb__fail_nomem();
        if (!status) {
            status = sb__companion_path(&hub->wal_path, path, "-wal");
        }
    } else {
        hub->lookout.broker = broker;
        hub->polls = 1;
    }
    if (status) {
        free_hub(hub);
        return status;
    }
    *out = hub;
    return SB_OK;
}

/* A database that is not there can be waited for; one that cannot be opened, only by its broker. */
static sb_status connect(sb__hub *hub)
{
    sb_status status = sb__lookout_connect(&hub->lookout, hub->path, &hub->settings);

    if (status && access(hub->path, F_OK)) {
        sb__error_clear();
        return SB_OK;
    }
    return status;
}

static sb_status new_connected_hub(sb__hub **out, sb_broker *broker, const char *path)
{
    sb_status status = new_hub(out, broker, path);

    if (status || !path) {
        return status;
    }
    if (sb__is_network_fs(path)) {
        (*out)->polls = 1;
    } else if (sb__file_events_open(&(*out)->events)) {
        sb__hub_poll_instead(*out);
    }
    if (connect(*out)) {
        free_hub(*out);
        sb__error_clear();
        status = new_hub(out, broker, NULL);
        if (!status) {
            (*out)->must_warn = 1;
        }
    }
    return status;
}

static sb__hub *find(const char *path)
{
    sb__hub *hub = hubs;

    while (hub && (!hub->path || strcmp(hub->path, path) != 0)) {
        hub = hub->next;
    }
    return hub;
}

sb_status sb__hub_get(sb__hub **out, sb_broker *broker)
{
    const char *path = sb__broker_file(broker);
    sb_status status = SB_OK;

    pthread_once(&fork_once, install_fork_handlers);
    if (fork_failed) {
        return sb__fail_nomem();
    }
    pthread_mutex_lock(&list_mutex);
    *out = path ? find(path) : NULL;
    if (*out) {
        (*out)->references++;
    } else {
        status = new_connected_hub(out, broker, path);
        if (!status) {
            (*out)->next = hubs;
            hubs = *out;
        }
    }
    pthread_mutex_unlock(&list_mutex);
    return status;
}

void sb__hub_put(sb__hub *hub)
{
    pthread_mutex_lock(&list_mutex);
    if (--hub->references == 0) {
        sb__hub **link = &hubs;

        while (*link != hub) {
            link = &(*link)->next;
        }
        *link = hub->next;
        free_hub(hub);
    }
    pthread_mutex_unlock(&list_mutex);
}

void sb__hubs_wake(const sb_broker *broker)
{
    pthread_mutex_lock(&list_mutex);
    for (sb__hub *hub = hubs; hub; hub = hub->next) {
        if (!hub->path && hub->lookout.broker != broker) {
            continue; /* its mutex may be held while another broker is asked */
        }
        pthread_mutex_lock(&hub->mutex);
        for (sb_waiter *w = hub->waiters; w; w = w->next) {
            if (w->broker == broker) {
                sb__hub_knock(w);
            }
        }
        pthread_mutex_unlock(&hub->mutex);
    }
    pthread_mutex_unlock(&list_mutex);
}
