/* Ctrl-C: the first one ends the command in order, the second one kills it. */
#ifndef BROKER_CLI_INTERRUPT_H
#define BROKER_CLI_INTERRUPT_H

#include <simplebroker.h>
#include <stdbool.h>

/* Makes a closed pipe an ordinary error of write(2). */
void interrupt_ignore_pipe(void);

/* Makes SIGINT throw `cancel`. */
void interrupt_catch(sb_cancel *cancel);

/* From now on SIGINT, and SIGTERM too, only throw `cancel`: what is under way is finished. */
void interrupt_only_throws(sb_cancel *cancel);

/* Forgets the switch, which is about to be freed; SIGINT is ignored from now on. */
void interrupt_release(void);

/* Whether SIGINT has arrived. */
bool interrupted(void);

/* Waits until `fd` can be read; false when SIGINT came first. */
bool interrupt_wait_readable(int fd, const sb_cancel *cancel);

#endif
