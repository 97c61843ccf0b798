/* What names of queues and bodies of messages may be. Lengths are explicit, SB_NTS is resolved. */
#ifndef SB_QUEUE_NAME_H
#define SB_QUEUE_NAME_H

#include <stddef.h>

#include "simplebroker.h"

/* SB_EQUEUENAME with the reason unless it is the name a queue or an alias may have. */
sb_status sb__queue_name_check(const char *name, size_t len);

/* The same for the beginning of a name, which may be empty. */
sb_status sb__queue_prefix_check(const char *prefix, size_t len);

/* SB_EMESSAGE with the reason unless it is UTF-8 of at most `max` bytes. */
sb_status sb__body_check(const char *body, size_t len, size_t max);

#endif
