/*
 * Call options: the public struct and its typed setters.
 */
#include <string.h>

#include "alloc.h"
#include "error.h"
#include "simplebroker.h"

sb_status sb_options_init(sb_options *options, uint32_t version)
{
    sb__error_clear();
    if (!options) {
        return sb__fail(SB_EINVALID, "options must not be NULL");
    }
    if (version != SB_OPTIONS_VERSION) {
        return sb__fail(SB_EINVALID, "unknown version %u of sb_options", version);
    }
    memset(options, 0, sizeof *options);
    options->version = version;
    options->size = sizeof *options;
    options->timeout_ms = -1;
    options->after = -1;
    options->before = -1;
    return SB_OK;
}

sb_options *sb_options_new(void)
{
    sb_options *options = sb_alloc(sizeof *options);

    if (options) {
        sb_options_init(options, SB_OPTIONS_VERSION);
    }
    return options;
}

void sb_options_free(sb_options *options)
{
    sb_free(options);
}

void sb_options_set_cancel(sb_options *options, sb_cancel *cancel)
{
    options->cancel = cancel;
}

void sb_options_set_timeout(sb_options *options, int64_t timeout_ms)
{
    options->timeout_ms = timeout_ms;
}

void sb_options_set_txn(sb_options *options, sb_txn *txn)
{
    options->txn = txn;
}

void sb_options_set_bounds(sb_options *options, int64_t after, int64_t before)
{
    options->after = after;
    options->before = before;
}

void sb_options_set_flags(sb_options *options, uint32_t flags)
{
    options->flags = flags;
}

void sb_options_set_progress(sb_options *options, sb_progress_fn progress, void *payload)
{
    options->progress = progress;
    options->progress_payload = payload;
}
