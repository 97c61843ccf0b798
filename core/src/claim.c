/*
 * Claim: take messages for good. They stay as claimed rows until a vacuum removes them.
 */
#include "delivery.h"

sb_status sb_claim(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                   size_t limit, const sb_options *options)
{
    return sb__deliver(out, broker, "claim", SB_CURSOR_CLAIM, queue, queue_len, NULL, 0, -1, limit,
                       options);
}

sb_status sb_claim_id(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                      int64_t id, const sb_options *options)
{
    sb_status status = sb__id_check(id);

    return status ? status
                  : sb__deliver(out, broker, "claim_id", SB_CURSOR_CLAIM, queue, queue_len, NULL,
                                0, id, 1, options);
}
