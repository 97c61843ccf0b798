/*
 * A broker's second connection, for questions of other threads while one writes: a commit that
 * waits for the disk, or a batch that is worked on for minutes, holds up no peek. Opened at the
 * first such question; only over the built-in runner.
 */
#ifndef SB_READER_H
#define SB_READER_H

#include "config.h"
#include "runner.h"
#include "simplebroker.h"
#include "turn.h"

typedef struct sb__reader {
    sb__runner runner; /* all zero until it is needed */
    sb__turn turn;
} sb__reader;

sb_status sb__reader_init(sb__reader *reader);
void sb__reader_dispose(sb__reader *reader);

/* Closes the connection for good. */
void sb__reader_close(sb__reader *reader);

/* Opens the connection if it is not open, to the file that `main` has. With the reader's turn. */
sb_status sb__reader_connect(sb__reader *reader, const sb__sqlite *main,
                             const sb__settings *settings);

/* In a child process: see sb__sqlite_close_inherited(). */
sb_status sb__reader_close_inherited(sb__reader *reader);

#endif
