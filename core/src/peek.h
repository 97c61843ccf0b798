/* Looking at messages in the order of their ids, for dumps. */
#ifndef SB_PEEK_H
#define SB_PEEK_H

#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

/*
 * Pending messages of a queue with above_ts < id <= max_ts, in ascending id: the next page of a
 * dump, shorter than `limit` where bodies are large. SB_EMPTY when there is none. The caller frees
 * the batch.
 */
sb_status sb__peek_by_ts(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                         int64_t above_ts, int64_t max_ts, size_t limit,
                         const sb_options *options);

#endif
