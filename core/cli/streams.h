/* The three standard streams: the process's, or this thread's while a command runs embedded. */
#ifndef BROKER_CLI_STREAMS_H
#define BROKER_CLI_STREAMS_H

#include "embed.h"

#include <stdbool.h>
#include <sys/types.h>

/* Redirects this thread's streams; NULL gives the process's back. Returns what was in force. */
const broker_streams *streams_redirect(const broker_streams *streams);

/* Whether they are redirected. */
bool streams_redirected(void);

/* write(2), read(2) of the input and isatty(3). */
ssize_t streams_write(int fd, const char *bytes, size_t size);
ssize_t streams_read(char *buffer, size_t size);
bool streams_is_terminal(int fd);

/* Hands a warning to the caller; false when it has to be printed. */
bool streams_warn(const char *text);

#endif
