/*
 * The director: one thread runs at a time, from one stop to the next; which, is a choice; all
 * sequences of choices are played, one after the other, by going back to the last choice that has
 * not been made the other way.
 */
#include "turnstile.h"

#include "core/waiting.h"

#include <sqlite3.h>
#include <sys/stat.h>

enum { MOST_ACTORS = 3, MOST_STEPS = 400, MOST_FDS = 8, STUCK_OUTSIDE_S = 20 };

typedef enum state { RUNS, STOPPED, SLEEPS, WANTS_MUTEX, ENDED } state;

typedef struct actor {
    pthread_t thread;
    void *(*act)(void *);
    state state;
    const char *step; /* what it is about to do */
    struct pollfd fds[MOST_FDS];
    nfds_t fd_count;
    pthread_mutex_t *mutex;
    int let_through;
} actor;

int turnstile_checks_before_it_locks;

static pthread_mutex_t stage_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static actor actors[MOST_ACTORS];
static int actor_count, stops_at_mutexes;
static __thread actor *me, *paused;

/* The lock that is put off in the wrong order. */
static int late_fd = -1;
static struct flock late_lock;

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_fcntl64(int fd, int command, ...);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __real_inotify_init1(int flags);
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);
ssize_t __real_read(int fd, void *out, size_t size);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t at);
int __real_futimens(int fd, const struct timespec times[2]);
int __real_sqlite3_step(sqlite3_stmt *statement);
int __real_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_init1(int flags);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);
int __wrap___ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask, size_t size);
ssize_t __wrap_read(int fd, void *out, size_t size);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

void turnstile_pause(void)
{
    paused = me;
    me = NULL;
}

void turnstile_go_on(void)
{
    me = paused;
}

/* ---- the actors' side ---- */

/* Stops the thread until the director lets it through. */
static void stop(state why, const char *step)
{
    if (!me) {
        return;
    }
    __real_pthread_mutex_lock(&stage_mutex);
    me->state = why;
    me->step = step;
    pthread_cond_broadcast(&changed);
    while (!me->let_through) {
        pthread_cond_wait(&changed, &stage_mutex);
    }
    me->let_through = 0;
    me->state = RUNS;
    pthread_mutex_unlock(&stage_mutex);
}

static void *perform(void *argument)
{
    actor *self = argument;

    me = self;
    stop(STOPPED, "begin");
    self->act(NULL);
    me = NULL;
    __real_pthread_mutex_lock(&stage_mutex);
    self->state = ENDED;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&stage_mutex);
    return NULL;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (me && stops_at_mutexes && me != &actors[actor_count - 1]) {
        me->mutex = mutex;
        stop(WANTS_MUTEX, "mutex");
    }
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list rest;
    void *argument;

    va_start(rest, command);
    argument = va_arg(rest, void *);
    va_end(rest);
    if (command == F_OFD_SETLK && me) {
        if (turnstile_checks_before_it_locks) {
            late_fd = fd;
            late_lock = *(struct flock *)argument;
            return 0;
        }
        stop(STOPPED, "lock");
    } else if (command == F_OFD_GETLK) {
        stop(STOPPED, "probe");
    }
    return __real_fcntl64(fd, command, argument);
}

/* The kernel takes 10 ms to close an instance: all runs share one, with new watches in each. */
static int instance = -1, watches[8], watch_count;

int __wrap_inotify_init1(int flags)
{
    if (instance < 0) {
        instance = __real_inotify_init1(flags);
    }
    return fcntl(instance, F_DUPFD_CLOEXEC, 0);
}

static void end_watches(void)
{
    char events[4096];

    while (watch_count > 0) {
        inotify_rm_watch(instance, watches[--watch_count]);
    }
    while (instance >= 0 && __real_read(instance, events, sizeof events) > 0) {
    }
}

/* The other way to find a message, F-wal, is closed: a file that nobody writes stands for it. */
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    size_t len = strlen(path);
    int is_wal = len > 4 && !strcmp(path + len - 4, "-wal"), watch;

    stop(STOPPED, is_wal ? "watch the WAL" : "watch the bell");
    watch = __real_inotify_add_watch(fd, is_wal ? "/dev/null" : path, mask);
    assert_in_range(watch_count, 0, 7);
    watches[watch_count++] = watch;
    return watch;
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
    static const struct timespec none = {0, 0};

    if (!me || (timeout && !timeout->tv_sec && !timeout->tv_nsec)) {
        return __real_ppoll(fds, count, timeout, mask);
    }
    if (late_fd >= 0) {
        stop(STOPPED, "lock, too late");
        __real_fcntl64(late_fd, F_OFD_SETLK, &late_lock);
        late_fd = -1;
    }
    memcpy(me->fds, fds, count * sizeof *fds);
    me->fd_count = count;
    stop(SLEEPS, "sleep");
    return __real_ppoll(fds, count, &none, NULL);
}

int __wrap___ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask, size_t size)
{
    (void)size;
    return __wrap_ppoll(fds, count, timeout, mask);
}

ssize_t __wrap_read(int fd, void *out, size_t size)
{
    stop(STOPPED, "read");
    return __real_read(fd, out, size);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    stop(STOPPED, "ring");
    return __real_pwrite64(fd, bytes, size, at);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
    stop(STOPPED, "touch");
    return __real_futimens(fd, times);
}

/* Of a writer's statements the others notice only the end. */
int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    if (me && !sqlite3_stmt_busy(statement)) {
        if (me == &actors[actor_count - 1]) {
            if (!strcmp(sqlite3_sql(statement), "COMMIT")) {
                stop(STOPPED, "commit");
            }
        } else {
            stop(STOPPED, "look");
        }
    }
    return __real_sqlite3_step(statement);
}

/* Time stands still, so that no safety net and no timeout helps. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock == CLOCK_MONOTONIC) {
        *out = (struct timespec){1000, 0};
        return 0;
    }
    return __real_clock_gettime(clock, out);
}

/* ---- the director's side ---- */

typedef struct script {
    unsigned char choice[MOST_STEPS], choices[MOST_STEPS];
    int length; /* how many choices are given */
    int depth;  /* how many were made */
} script;

static int may_go_on(actor *a)
{
    if (a->state == SLEEPS) {
        return poll(a->fds, a->fd_count, 0) > 0;
    }
    if (a->state == WANTS_MUTEX) {
        if (pthread_mutex_trylock(a->mutex)) {
            return 0;
        }
        pthread_mutex_unlock(a->mutex);
        return 1;
    }
    return a->state == STOPPED;
}

static int all_stand(void)
{
    for (int i = 0; i < actor_count; i++) {
        if (actors[i].state == RUNS || actors[i].let_through) {
            return 0;
        }
    }
    return 1;
}

static void await_stand(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STUCK_OUTSIDE_S;
    while (!all_stand()) {
        if (pthread_cond_timedwait(&changed, &stage_mutex, &until)) {
            fprintf(stderr, "a thread waits for something that the test does not know\n");
            abort();
        }
    }
}

static void let_through(actor *a)
{
    a->let_through = 1;
    pthread_cond_broadcast(&changed);
    await_stand();
}

static void note(char *trace, size_t size, const actor *a)
{
    size_t used = strlen(trace);

    snprintf(trace + used, size - used, "%c: %s\n", (int)('A' + (a - actors)), a->step);
}

/* Chooses among those that may go on; the last one to run comes first, and alone when no more
 * interruptions are allowed. NULL: nobody may. */
static actor *choose(script *s, actor *last, int *preemptions)
{
    actor *able[MOST_ACTORS];
    int count = 0, last_may = last && may_go_on(last);

    if (last_may) {
        able[count++] = last;
    }
    for (int i = 0; i < actor_count && !(last_may && !*preemptions); i++) {
        if (&actors[i] != last && may_go_on(&actors[i])) {
            able[count++] = &actors[i];
        }
    }
    if (!count) {
        return NULL;
    }
    assert_true(s->depth < MOST_STEPS);
    if (s->depth >= s->length) {
        s->choice[s->depth] = 0;
    } else if (s->depth < s->length - 1) {
        assert_int_equal(s->choices[s->depth], count); /* the same steps as last time */
    }
    s->choices[s->depth] = (unsigned char)count;
    last = able[s->choice[s->depth++]];
    *preemptions -= last_may && last != able[0] && *preemptions > 0;
    return last;
}

static int all_ended(void)
{
    for (int i = 0; i < actor_count; i++) {
        if (actors[i].state != ENDED) {
            return 0;
        }
    }
    return 1;
}

static void finish_stuck_run(const play *p)
{
    script unwritten = {.length = 0};
    int any = -1;
    actor *a;

    p->release();
    while (!all_ended()) {
        unwritten.depth = 0;
        a = choose(&unwritten, NULL, &any);
        assert_non_null(a);
        let_through(a);
    }
}

static void run_once(verdict *out, const play *p, script *s)
{
    char trace[sizeof out->first_stuck] = "";
    int preemptions = p->preemptions;
    actor *last = NULL;

    s->depth = 0;
    await_stand();
    while (!all_ended()) {
        last = choose(s, last, &preemptions);
        if (!last) {
            if (!out->stuck++) {
                memcpy(out->first_stuck, trace, sizeof trace);
            }
            finish_stuck_run(p);
            return;
        }
        note(trace, sizeof trace, last);
        let_through(last);
    }
}

static void begin_run(const play *p)
{
    late_fd = -1;
    p->begin();
    for (int i = 0; i < actor_count; i++) {
        actors[i] = (actor){.act = p->act[i], .state = RUNS};
        assert_int_equal(pthread_create(&actors[i].thread, NULL, perform, &actors[i]), 0);
    }
}

/* Whether there is a sequence of choices that has not been made. */
static int turn_page(script *s)
{
    int last = s->depth - 1;

    while (last >= 0 && s->choice[last] + 1 >= s->choices[last]) {
        last--;
    }
    if (last < 0) {
        return 0;
    }
    s->choice[last]++;
    s->length = last + 1;
    return 1;
}

void turnstile_play(verdict *out, const play *p)
{
    static script s;

    memset(&s, 0, sizeof s);
    memset(out, 0, sizeof *out);
    actor_count = p->actors;
    stops_at_mutexes = p->stops_at_mutexes;
    do {
        begin_run(p);
        __real_pthread_mutex_lock(&stage_mutex);
        run_once(out, p, &s);
        pthread_mutex_unlock(&stage_mutex);
        for (int i = 0; i < actor_count; i++) {
            assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
        }
        p->end();
        end_watches();
        out->runs++;
    } while (turn_page(&s));
}
