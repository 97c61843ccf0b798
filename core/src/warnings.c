/*
 * Delivery of warnings. The listener is reference counted, so that replacing it while another
 * thread is inside it frees the payload only after that call.
 */
#include "warnings.h"

#include <stdatomic.h>
#include <string.h>

#include "alloc.h"
#include "error.h"

struct sb__warnings_listener {
    atomic_int references;
    sb_warning_fn fn;
    void *payload;
    sb_destroy_fn destroy;
};

static void release(sb__warnings_listener *listener)
{
    if (listener && atomic_fetch_sub(&listener->references, 1) == 1) {
        if (listener->destroy) {
            listener->destroy(listener->payload);
        }
        sb_free(listener);
    }
}

sb_status sb__warnings_init(sb__warnings *warnings)
{
    memset(warnings, 0, sizeof *warnings);
    if (pthread_mutex_init(&warnings->mutex, NULL) != 0) {
        return sb__fail_nomem();
    }
    return SB_OK;
}

void sb__warnings_dispose(sb__warnings *warnings)
{
    for (size_t i = 0; i < warnings->kept_count; i++) {
        sb_free(warnings->kept[i].text);
    }
    warnings->kept_count = 0;
    release(warnings->listener);
    warnings->listener = NULL;
    pthread_mutex_destroy(&warnings->mutex);
}

static void call(sb__warnings_listener *listener, sb_warning kind, const char *text)
{
    sb_error saved;

    /* A warning is not the outcome of the call that raised it. */
    sb__error_stash(&saved);
    listener->fn(listener->payload, kind, text);
    sb__error_unstash(&saved);
}

static void keep(sb__warnings *warnings, sb_warning kind, const char *text)
{
    char *copy;

    if (warnings->kept_count < SB__WARNINGS_KEPT) {
        copy = sb__strndup(text, strlen(text));
        if (copy) {
            warnings->kept[warnings->kept_count].kind = kind;
            warnings->kept[warnings->kept_count].text = copy;
            warnings->kept_count++;
        }
    }
}

void sb__warnings_tell(sb__warnings *warnings, sb_warning kind, const char *text)
{
    sb__warnings_listener *listener = NULL;

    pthread_mutex_lock(&warnings->mutex);
    if (warnings->listener) {
        listener = warnings->listener;
        atomic_fetch_add(&listener->references, 1);
    } else if (!warnings->registered) {
        keep(warnings, kind, text);
    }
    pthread_mutex_unlock(&warnings->mutex);
    if (listener) {
        call(listener, kind, text);
        release(listener);
    }
}

static sb__warnings_listener *new_listener(sb_warning_fn fn, void *payload, sb_destroy_fn destroy)
{
    sb__warnings_listener *listener = sb_alloc(sizeof *listener);

    if (listener) {
        atomic_init(&listener->references, 2); /* the registration's, and that of the delivery */
        listener->fn = fn;
        listener->payload = payload;
        listener->destroy = destroy;
    }
    return listener;
}

sb_status sb__warnings_register(sb__warnings *warnings, sb_warning_fn fn, void *payload,
                                sb_destroy_fn destroy)
{
    sb__warnings_listener *listener = NULL;
    sb__warnings_listener *old;
    sb__warnings pending;

    if (fn) {
        listener = new_listener(fn, payload, destroy);
    }
    if (!listener && destroy) {
        destroy(payload);
    }
    if (fn && !listener) {
        return sb__fail_nomem();
    }
    pthread_mutex_lock(&warnings->mutex);
    old = warnings->listener;
    warnings->listener = listener;
    warnings->registered = 1;
    pending.kept_count = warnings->kept_count;
    memcpy(pending.kept, warnings->kept, sizeof pending.kept);
    warnings->kept_count = 0;
    pthread_mutex_unlock(&warnings->mutex);

    release(old);
    for (size_t i = 0; i < pending.kept_count; i++) {
        if (listener) {
            call(listener, pending.kept[i].kind, pending.kept[i].text);
        }
        sb_free(pending.kept[i].text);
    }
    release(listener);
    return SB_OK;
}
