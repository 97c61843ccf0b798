/*
 * Who hears warnings. Until somebody registers, warnings are kept (the first few; a configuration
 * has little to warn about), then delivered at once.
 */
#ifndef SB_WARNINGS_H
#define SB_WARNINGS_H

#include <pthread.h>
#include <stddef.h>

#include "simplebroker.h"

enum { SB__WARNINGS_KEPT = 16 };

typedef struct sb__warnings_listener sb__warnings_listener;

typedef struct sb__warnings {
    pthread_mutex_t mutex;
    sb__warnings_listener *listener;
    int registered; /* also when "nobody" was registered: nothing is kept any more */
    size_t kept_count;
    struct {
        sb_warning kind;
        char *text;
    } kept[SB__WARNINGS_KEPT];
} sb__warnings;

sb_status sb__warnings_init(sb__warnings *warnings);
void sb__warnings_dispose(sb__warnings *warnings);

/* Calls the listener without the mutex held; several threads may be inside it at once. */
void sb__warnings_tell(sb__warnings *warnings, sb_warning kind, const char *text);

/* Takes over the payload in any case. */
sb_status sb__warnings_register(sb__warnings *warnings, sb_warning_fn fn, void *payload,
                                sb_destroy_fn destroy);

#endif
