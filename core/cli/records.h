/* Messages as output: plain, with ids, or as JSON. */
#ifndef BROKER_CLI_RECORDS_H
#define BROKER_CLI_RECORDS_H

#include "cli.h"

enum record_form { FORM_PLAIN, FORM_TIMESTAMPS, FORM_JSON };

struct records {
    struct output *out;
    enum record_form form;
    bool warns;      /* a line feed in a plain body is to be warned about, once */
    int64_t count;
};

/* Records in the form that the options ask for. */
void records_init(struct records *records, const struct cli *cli, struct output *out, bool warns);

/* Appends a message; the caller flushes. */
void records_put(struct records *records, int64_t id, const char *body, size_t size);

/* Appends {"name": "<19 digits>"} or the plain id, as `write` reports it. */
void records_put_id(const struct cli *cli, struct output *out, int64_t id);

#endif
