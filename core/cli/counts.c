/* The two forms of a queue's counts. */
#include "counts.h"

void counts_plain(struct output *out, const char *queue, size_t size, int64_t pending,
                  int64_t claimed)
{
    output_bytes(out, queue, size);
    output_text(out, ": ");
    output_number(out, pending);
    if (claimed > 0) {
        output_text(out, " (");
        output_number(out, pending + claimed);
        output_text(out, " total, ");
        output_number(out, claimed);
        output_text(out, " claimed)");
    }
    output_text(out, "\n");
}

void counts_json(struct output *out, const char *queue, size_t size, int64_t pending,
                 int64_t claimed)
{
    output_text(out, "{\"queue\": ");
    output_json(out, queue, size, false);
    output_text(out, ", \"pending\": ");
    output_number(out, pending);
    output_text(out, ", \"claimed\": ");
    output_number(out, claimed);
    output_text(out, ", \"total\": ");
    output_number(out, pending + claimed);
    output_text(out, pending + claimed > 0 ? ", \"exists\": true}\n" : ", \"exists\": false}\n");
}
