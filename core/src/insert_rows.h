/* Storing many messages, under ids that are known. */
#ifndef SB_INSERT_ROWS_H
#define SB_INSERT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"

/* Checks name and body of a message, given that those before it were found good. */
sb_status sb__batch_check_at(const sb_messages *messages, size_t index, const sb_broker *broker);

/* Inserts messages of a batch, from index `first` to below `end`, message i under ids[i]; ids may be
 * NULL: under the ids they have. Inside a work function. */
sb_status sb__insert_rows(sb__call *call, const sb_messages *messages, const int64_t *ids,
                          size_t first, size_t end);

#endif
