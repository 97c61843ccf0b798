/*
 * The three standard streams: the process's, or those of this thread's host while a command runs
 * embedded; and what else that host does.
 */
#ifndef BROKER_CLI_STREAMS_H
#define BROKER_CLI_STREAMS_H

#include "embed.h"

#include <stdbool.h>
#include <sys/types.h>

/* Redirects this thread's streams; NULL gives the process's back. Returns what was in force. */
const broker_host *streams_redirect(const broker_host *host);

/* Whether they are redirected. */
bool streams_redirected(void);

/* write(2), read(2) of the input and isatty(3). */
ssize_t streams_write(int fd, const char *bytes, size_t size);
ssize_t streams_read(char *buffer, size_t size);
bool streams_is_terminal(int fd);

/* Hands a warning to the host; false when it has to be printed. */
bool streams_warn(int kind, const char *text);

/* Has a host asked, while a call waits, whether to go on; false without one. */
bool streams_stop(sb_cancel *cancel);

/* Asks the host now. */
bool streams_asks_to_stop(void);

/* Lets the host watch a queue. */
bool streams_can_watch(void);
sb_status streams_watch(const broker_watch *watch);

#endif
