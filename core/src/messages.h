/*
 * A batch of messages: entries and bytes in one piece of memory that grows by doubling. The first
 * piece is sized for one ordinary message, so that a claim of one costs one allocation.
 */
#ifndef SB_MESSAGES_H
#define SB_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

/* As sb_messages_add(), without queue where queue is NULL. Lengths are explicit. */
sb_status sb__messages_append(sb_messages *messages, const char *queue, size_t queue_len,
                              const char *body, size_t body_len, int64_t id);

/* As sb__messages_append() for a picked message, with its storage id. */
sb_status sb__messages_append_row(sb_messages *messages, int64_t row, const char *body,
                                  size_t body_len, int64_t id);
int64_t sb__messages_row(const sb_messages *messages, size_t index);

/* Bytes of bodies and names in the batch. */
size_t sb__messages_bytes(const sb_messages *messages);

/* Empties the batch, keeping its memory. */
void sb__messages_clear(sb_messages *messages);

#endif
