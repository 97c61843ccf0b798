/*
 * Move: hand messages to another queue, where they are pending under the same ids.
 */
#include "delivery.h"

sb_status sb_move(sb_messages **out, sb_broker *broker, const char *source, size_t source_len,
                  const char *target, size_t target_len, size_t limit, const sb_options *options)
{
    return sb__deliver(out, broker, "move", SB_CURSOR_MOVE, source, source_len, target, target_len,
                       -1, limit, options);
}

sb_status sb_move_id(sb_messages **out, sb_broker *broker, const char *source, size_t source_len,
                     const char *target, size_t target_len, int64_t id, const sb_options *options)
{
    sb_status status = sb__id_check(id);

    return status ? status
                  : sb__deliver(out, broker, "move_id", SB_CURSOR_MOVE, source, source_len, target,
                                target_len, id, 1, options);
}
