/* Formats messages. */
#include "records.h"

#include "errors.h"

#include <string.h>

static enum record_form form_of(const struct args *args)
{
    if (args_have(args, OPTION_JSON)) {
        return FORM_JSON;
    }
    return args_have(args, OPTION_TIMESTAMPS) ? FORM_TIMESTAMPS : FORM_PLAIN;
}

void records_init(struct records *records, const struct cli *cli, struct output *out, bool warns)
{
    records->out = out;
    records->form = form_of(&cli->args);
    records->warns = warns && records->form == FORM_PLAIN;
    records->count = 0;
}

void records_put(struct records *records, int64_t id, const char *body, size_t size)
{
    struct output *out = records->out;

    records->count++;
    if (records->form == FORM_JSON) {
        output_text(out, "{\"message\": ");
        output_json(out, body, size, false);
        output_text(out, ", \"timestamp\": \"");
        output_id(out, id);
        output_text(out, "\"}\n");
        return;
    }
    if (records->form == FORM_TIMESTAMPS) {
        output_number(out, id);
        output_text(out, "\t");
    }
    output_bytes(out, body, size);
    output_text(out, "\n");
    if (records->warns && memchr(body, '\n', size) != NULL) {
        records->warns = false;
        warn(0, "a message contains newline characters, so its end cannot be told from its lines; "
                "use --json");
    }
}

void records_put_id(const struct cli *cli, struct output *out, int64_t id)
{
    switch (form_of(&cli->args)) {
    case FORM_JSON:
        output_text(out, "{\"timestamp\": \"");
        output_id(out, id);
        output_text(out, "\"}\n");
        break;
    case FORM_TIMESTAMPS:
        output_number(out, id);
        output_text(out, "\n");
        break;
    default:
        break;
    }
}
