/*
 * Events of files by inotify. On other systems there are none: a kqueue needs the watched file
 * open, and closing a descriptor of SQLite's files drops the locks of the whole process on them.
 */
#include "file_events.h"

#include <errno.h>

#if defined(__linux__)
#include <sys/inotify.h>
#include <unistd.h>

int sb__file_events_open(sb__file_events *events)
{
    events->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    events->bell = events->wal = -1;
    return events->fd < 0 ? -1 : 0;
}

void sb__file_events_close(sb__file_events *events)
{
    if (events->fd >= 0) {
        close(events->fd);
    }
    events->fd = events->bell = events->wal = -1;
}

int sb__file_events_watch_bell(sb__file_events *events, const char *path)
{
    int watch = inotify_add_watch(events->fd, path,
                                  IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);

    if (events->bell >= 0 && events->bell != watch) {
        inotify_rm_watch(events->fd, events->bell);
    }
    events->bell = watch;
    return watch < 0 ? -1 : 0;
}

int sb__file_events_watch_wal(sb__file_events *events, const char *path)
{
    events->wal = inotify_add_watch(events->fd, path, IN_MODIFY | IN_ONESHOT);
    return events->wal < 0 ? -1 : 0;
}

static int meaning(sb__file_events *events, const struct inotify_event *event)
{
    int bits = 0;

    if (event->mask & IN_Q_OVERFLOW) {
        return SB__EVENT_RANG | SB__EVENT_MOVED | SB__EVENT_WAL | SB__EVENT_UNSURE;
    }
    if (event->wd == events->wal) {
        if (event->mask & IN_IGNORED) {
            events->wal = -1;
        }
        return event->mask & IN_MODIFY ? SB__EVENT_WAL : 0;
    }
    if (event->wd != events->bell) {
        return 0; /* of a watch that was given up */
    }
    if (event->mask & IN_MODIFY) {
        bits |= SB__EVENT_RANG;
    }
    if (event->mask & IN_ATTRIB) {
        bits |= SB__EVENT_MOVED | SB__EVENT_UNSURE; /* it has a link less when it is deleted */
    }
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
        bits |= SB__EVENT_UNSURE;
    }
    if (event->mask & IN_IGNORED) {
        events->bell = -1;
        bits |= SB__EVENT_UNSURE;
    }
    return bits;
}

int sb__file_events_take(sb__file_events *events)
{
    union {
        char bytes[4096];
        struct inotify_event first;
    } buffer;
    int bits = 0;
    ssize_t size;

    while (events->fd >= 0 && (size = read(events->fd, buffer.bytes, sizeof buffer.bytes)) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event =
                (const struct inotify_event *)(const void *)(buffer.bytes + at);

            bits |= meaning(events, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
        if (size < (ssize_t)sizeof buffer.bytes / 2) {
            break;
        }
    }
    return bits;
}
#else
int sb__file_events_open(sb__file_events *events)
{
    events->fd = events->bell = events->wal = -1;
    errno = ENOSYS;
    return -1;
}

void sb__file_events_close(sb__file_events *events)
{
    (void)events;
}

int sb__file_events_watch_bell(sb__file_events *events, const char *path)
{
    (void)events;
    (void)path;
    return -1;
}

int sb__file_events_watch_wal(sb__file_events *events, const char *path)
{
    return sb__file_events_watch_bell(events, path);
}

int sb__file_events_take(sb__file_events *events)
{
    (void)events;
    return 0;
}
#endif
