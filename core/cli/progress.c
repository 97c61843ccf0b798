/* Draws and erases the line of progress. */
#include "progress.h"

#include "cli.h"
#include "streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

static const int64_t first_ns = NS_PER_S;
static const int64_t redraw_ns = NS_PER_S / 5;
static const int64_t ask_ns = NS_PER_S / 20;

static struct progress *drawn; /* whose line stands on the terminal */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void progress_start(struct progress *progress, const struct cli *cli, const char *label,
                    bool useful)
{
    progress->label = label;
    progress->allowed = useful && !cli->globals.quiet && !streams_redirected() &&
                        isatty(STDERR_FILENO) != 0;
    progress->asked = streams_redirected() ? cli->cancel : NULL;
    progress->width = 0;
    progress->next_ns = progress->allowed ? now_ns() + first_ns : 0;
}

/* What stood there before is overwritten with blanks; a failure to draw is nobody's problem. */
static void draw(struct progress *progress, const char *text, int width)
{
    char line[128];
    int length = snprintf(line, sizeof line, "\r%-*s%s", progress->width, text,
                          width > 0 ? "" : "\r");

    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) {
        progress->allowed = false;
    }
    progress->width = width;
    drawn = width > 0 ? progress : NULL;
}

static void ask_host(struct progress *progress)
{
    int64_t now = now_ns();

    if (now >= progress->next_ns) {
        progress->next_ns = now + ask_ns;
        if (streams_asks_to_stop()) {
            sb_cancel_set(progress->asked);
        }
    }
}

void progress_step(struct progress *progress, int64_t done, int64_t total)
{
    char text[80];
    int64_t now;
    int width;

    if (progress->asked != NULL) {
        ask_host(progress);
    }
    if (!progress->allowed || (now = now_ns()) < progress->next_ns) {
        return;
    }
    progress->next_ns = now + redraw_ns;
    if (total > 0) {
        width = snprintf(text, sizeof text, "%s: %d%%", progress->label,
                         (int)(100.0 * (double)done / (double)total));
    } else if (done == 0) {
        width = snprintf(text, sizeof text, "%s: under way", progress->label);
    } else {
        width = snprintf(text, sizeof text, "%s: %" PRId64 " messages", progress->label, done);
    }
    draw(progress, text, width);
}

void progress_end(struct progress *progress)
{
    if (progress->width > 0) {
        draw(progress, "", 0);
    }
}

void progress_hide(void)
{
    if (drawn != NULL) {
        progress_end(drawn);
    }
}

int progress_callback(void *payload, int64_t done, int64_t total)
{
    progress_step(payload, done, total);
    return 0;
}
