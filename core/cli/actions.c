/* --cleanup, --vacuum and --status. */
#include "actions.h"

#include "errors.h"
#include "progress.h"
#include "session.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

void action_cleanup(struct cli *cli)
{
    sb_status status;

    if (sb_target_check(cli->target, cli->config, SB_CHECK_CLEANUP) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    status = sb_cleanup(cli->target, cli->config);
    if (status < 0) {
        fail_last(cli, CODE_ERROR);
    } else if (status == SB_OK) {
        comment(cli, "Database cleaned up: %s", sb_target_display(cli->target));
    } else {
        comment(cli, "Database not found, nothing to clean up: %s",
                sb_target_display(cli->target));
    }
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Runs the vacuum, or with SB_COMPACT the rebuilding of the file. */
static bool run_vacuum(struct cli *cli, uint32_t flags, int64_t *out_removed, double *out_seconds)
{
    sb_options options = session_options(cli);
    struct progress progress;
    struct timespec start;
    sb_status status;

    options.flags = flags;
    options.progress = progress_callback;
    options.progress_payload = &progress;
    clock_gettime(CLOCK_MONOTONIC, &start);
    progress_start(&progress, cli, flags & SB_COMPACT ? "compact" : "vacuum", true);
    status = sb_vacuum(out_removed, cli->broker, &options);
    progress_end(&progress);
    *out_seconds = seconds_since(&start);
    return status >= 0 || fail_last(cli, CODE_ERROR);
}

void action_vacuum(struct cli *cli)
{
    const char *path = sb_target_address(cli->target);
    int64_t removed = 0;
    double seconds;

    if (!cli->target_given && sb_target_is_plain_path(cli->target) && access(path, F_OK) != 0) {
        comment(cli, "Database not found: %s", path);
        return;
    }
    if (!session_open(cli) || !run_vacuum(cli, 0, &removed, &seconds)) {
        return;
    }
    if (removed > 0) {
        comment(cli, "Vacuumed %" PRId64 " claimed messages in %.1fs", removed, seconds);
    } else if (!cli->globals.compact) {
        comment(cli, "No claimed messages to vacuum");
    }
    if (cli->globals.compact && run_vacuum(cli, SB_COMPACT, NULL, &seconds)) {
        comment(cli, "Database compacted in %.1fs", seconds);
    }
}

static void print_status(struct cli *cli, int64_t messages, int64_t last, int64_t size)
{
    struct output *out = &cli->out;
    bool json = cli->globals.json;

    output_text(out, json ? "{\"total_messages\": " : "total_messages: ");
    output_number(out, messages);
    if (json) {
        output_text(out, ", \"last_timestamp\": \"");
        output_id(out, last);
        output_text(out, "\", \"db_size\": ");
    } else {
        output_text(out, "\nlast_timestamp: ");
        output_number(out, last);
        output_text(out, "\ndb_size: ");
    }
    output_number(out, size);
    output_text(out, json ? "}\n" : "\n");
    session_print(cli, EXIT_DONE);
}

void action_status(struct cli *cli)
{
    sb_options options = session_options(cli);
    int64_t messages, last, size;

    if (!session_open(cli)) {
        return;
    }
    if (sb_broker_status(&messages, &last, &size, cli->broker, &options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    print_status(cli, messages, last, size);
}
