/* Cursors, for watchers. */
#ifndef SB_CURSOR_H
#define SB_CURSOR_H

#include "simplebroker.h"

/*
 * Commits an at-least-once cursor's batch if all it has handed out was worked on, though it might
 * take more. Does nothing while messages are at hand, or without a batch.
 */
sb_status sb__cursor_finish(sb_cursor *cursor);

#endif
