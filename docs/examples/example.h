/* What the examples share: an error ends the program with its message. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <simplebroker.h>
#include <stdio.h>
#include <stdlib.h>

/* Passes 0 and the expected answers, such as SB_EMPTY, through. */
static inline sb_status check(sb_status status)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", sb_status_name(status), sb_error_message(NULL));
        exit(1);
    }
    return status;
}

#endif
