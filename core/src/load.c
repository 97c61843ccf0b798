/*
 * Load: lines of a dump become aliases, at once, and messages, in atomic batches. Lines may come
 * from other programs, so what is JSON for Python is JSON here; every refusal names its line.
 */
#include <inttypes.h>
#include <string.h>

#include "alloc.h"
#include "broker.h"
#include "clock.h"
#include "config.h"
#include "error.h"
#include "json_in.h"
#include "message_id.h"
#include "messages.h"
#include "pyrepr.h"
#include "simplebroker.h"
#include "text.h"

/* A batch ends at this many messages; or sooner, where bodies are large, to bound memory. */
enum { BATCH_MESSAGES = 1000, BATCH_BYTES = 8 * 1024 * 1024 };

static const int64_t NS_PER_SECOND = 1000000000;

struct sb_load {
    sb_load_alias_fn add_alias;
    sb_load_messages_fn insert;
    sb_load_advance_fn advance;
    void *payload;     /* of the three */
    sb_broker *broker; /* theirs, if they are our own; else NULL */
    sb_config *config;
    sb_config *warnings; /* who hears them; borrowed */
    sb_options options;
    int force;
    int over; /* finished or failed */
    int has_header;
    int64_t line;
    int64_t last_ts; /* of the header */
    int64_t messages;
    int64_t aliases;
    sb_messages *batch;
};

/* ---- into a broker -------------------------------------------------------------------------- */

static sb_status add_alias_to_broker(void *payload, const char *alias, size_t alias_len,
                                     const char *target, size_t target_len)
{
    sb_load *load = payload;

    return sb_alias_add(load->broker, alias, alias_len, target, target_len, &load->options);
}

static sb_status insert_into_broker(void *payload, const sb_messages *messages)
{
    sb_load *load = payload;
    sb_status status = sb_insert(load->broker, messages, &load->options);

    if (status == SB_EINTEGRITY) {
        sb__error_suffix(
            " (load targets a fresh database; duplicate message IDs are never overwritten)");
    }
    return status;
}

static sb_status advance_broker(void *payload, int64_t last_ts)
{
    sb_load *load = payload;
    int64_t stored;
    sb_status status = sb_timestamp_advance(&stored, load->broker, last_ts, &load->options);

    if (status) {
        sb__error_suffix(sb_error_outcome_ambiguous(NULL)
                             ? " (durable outcome may be ambiguous; inspect or recreate the "
                               "destination before retrying)"
                             : " (correct the failure and retry into a clean destination)");
    }
    return status;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* NULL, the error set, when memory runs out. */
static sb_load *new_load(const sb_config *config, const sb_options *options)
{
    sb_load *load = sb__zalloc(sizeof *load);

    if (load) {
        load->config = sb__config_retain(config);
        load->batch = sb_messages_new();
    }
    if (!load || !load->batch) {
        sb__fail_nomem();
        sb_load_close(load);
        return NULL;
    }
    sb_options_init(&load->options, SB_OPTIONS_VERSION);
    if (options) {
        load->options.cancel = options->cancel;
        load->options.timeout_ms = options->timeout_ms;
        load->force = (options->flags & SB_FORCE) != 0;
    }
    return load;
}

sb_status sb_load_open(sb_load **out, sb_broker *broker, const sb_config *config,
                       const sb_options *options)
{
    sb_load *load;
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = sb__enter(&call, broker, "load_open", options);
    if (status) {
        return status;
    }
    load = new_load(config ? config : sb__broker_config(broker), options);
    if (!load) {
        return sb__leave(&call, SB_ENOMEM);
    }
    sb__broker_retain(broker);
    load->broker = broker;
    load->warnings = sb__broker_config(broker);
    load->add_alias = add_alias_to_broker;
    load->insert = insert_into_broker;
    load->advance = advance_broker;
    load->payload = load;
    *out = load;
    return sb__leave(&call, SB_OK);
}

sb_status sb_load_open_with(sb_load **out, const sb_config *config, const sb_options *options,
                            sb_load_alias_fn alias, sb_load_messages_fn messages,
                            sb_load_advance_fn advance, void *payload)
{
    sb_load *load;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    if (!config || !alias || !messages || !advance) {
        return sb__fail(SB_EINVALID, "config and callbacks must not be NULL");
    }
    status = sb__options_check(options);
    if (status) {
        return status;
    }
    load = new_load(config, options);
    if (!load) {
        return SB_ENOMEM;
    }
    load->warnings = load->config;
    load->add_alias = alias;
    load->insert = messages;
    load->advance = advance;
    load->payload = payload;
    *out = load;
    return SB_OK;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Puts the place before the reason just set. */
static sb_status at_line(const sb_load *load)
{
    sb__error_prefix("invalid dump input at line %" PRId64 ": ", load->line);
    sb__error_set_line(load->line);
    return SB_EINVALID;
}

static sb_status refuse(const sb_load *load, const char *reason)
{
    sb__fail(SB_EINVALID, "%s", reason);
    return at_line(load);
}

/* repr() of a value, as far as the messages need it. */
static void show(sb__str *out, const json_t *value)
{
    sb__value plain = {.type = SB_NULL};

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        sb__py_repr_text(out, json_string_value(value), json_string_length(value));
        return;
    case JSON_OBJECT:
        sb__str_append_text(out, "{...}");
        return;
    case JSON_ARRAY:
        sb__str_append_text(out, "[...]");
        return;
    case JSON_INTEGER:
        plain.type = SB_INT64;
        plain.as.integer = json_integer_value(value);
        break;
    case JSON_REAL:
        plain.type = SB_DOUBLE;
        plain.as.number = json_real_value(value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        plain.type = SB_BOOL;
        plain.as.integer = json_is_true(value);
        break;
    case JSON_NULL:
        break;
    }
    sb__py_repr(out, &plain);
}

static sb_status refuse_value(const sb_load *load, const char *before, const json_t *value,
                              const char *after)
{
    sb__str shown = SB__STR_INIT;

    show(&shown, value);
    sb__fail(SB_EINVALID, "%s %s%s", before, shown.data ? shown.data : "", after);
    sb__str_dispose(&shown);
    return at_line(load);
}

static int is_text(const json_t *value, const char *text)
{
    size_t len = strlen(text);

    return json_is_string(value) && json_string_length(value) == len &&
           memcmp(json_string_value(value), text, len) == 0;
}

/* An id is an integer or a text of 19 digits. */
static int read_id(int64_t *out, const json_t *value)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return *out >= 0;
    }
    return json_is_string(value) &&
           sb__id_read(out, json_string_value(value), json_string_length(value));
}

/* Warns of a header that is ahead of the clock, and refuses one too far ahead. */
static sb_status check_skew(const sb_load *load)
{
    int64_t counter = load->last_ts & SB__ID_COUNTER_MASK;
    int64_t skew = load->last_ts - counter - sb__clock_wall_ns();
    int64_t most = sb__config_settings(load->config)->load_max_future_skew;

    if (skew <= 0) {
        return SB_OK;
    }
    sb__config_warn(load->warnings, SB_WARN_CLOCK_SKEW,
                    "dump header last_ts %" PRId64 " is %" PRId64 ".%03" PRId64 " seconds ahead of "
                    "local wall time; apparent clock skew leaves at most %" PRId64 " broker-global "
                    "generated IDs before writes wait for wall time and may raise TimestampError",
                    load->last_ts, skew / NS_PER_SECOND, skew % NS_PER_SECOND / 1000000,
                    SB__ID_COUNTER_MASK - counter);
    if (load->force || most > INT64_MAX / NS_PER_SECOND || skew <= most * NS_PER_SECOND) {
        return SB_OK;
    }
    sb__fail(SB_EINVALID,
             "dump header future skew exceeds configured maximum of %" PRId64 " seconds", most);
    return at_line(load);
}

static sb_status take_header(sb_load *load, const json_t *record)
{
    const json_t *version = json_object_get(record, "version");
    const json_t *last_ts = json_object_get(record, "last_ts");

    if (!is_text(json_object_get(record, "type"), "header")) {
        return refuse(load, "first record must be the dump header");
    }
    if (!is_text(json_object_get(record, "format"), "simplebroker-dump")) {
        return refuse(load, "unrecognized dump format");
    }
    if (!json_is_true(version) && !(json_is_number(version) && json_number_value(version) == 1)) {
        return refuse_value(load, "unsupported dump version", version, " (supported: 1)");
    }
    if (!last_ts) {
        return refuse(load, "header requires 'last_ts'");
    }
    if (!read_id(&load->last_ts, last_ts)) {
        return refuse(load, "invalid header last_ts");
    }
    load->has_header = 1;
    return check_skew(load);
}

/* What a callback answers, with an error in any case of failure. */
static sb_status result(sb_status status)
{
    if (status && sb_error_status(NULL) == SB_OK) {
        return sb__fail(status < 0 ? status : SB_EUSER, "the load failed without saying why");
    }
    return status > 0 ? SB_EUSER : status;
}

static sb_status take_alias(sb_load *load, const json_t *record)
{
    const json_t *alias = json_object_get(record, "alias");
    const json_t *target = json_object_get(record, "target");
    sb_status status;

    if (!json_is_string(alias) || !json_is_string(target)) {
        return refuse(load, "alias record requires string 'alias' and 'target' fields");
    }
    status = result(load->add_alias(load->payload, json_string_value(alias),
                                    json_string_length(alias), json_string_value(target),
                                    json_string_length(target)));
    if (!status) {
        load->aliases++;
    }
    return status;
}

static sb_status flush(sb_load *load)
{
    sb_status status;

    if (sb_messages_count(load->batch) == 0) {
        return SB_OK;
    }
    status = result(load->insert(load->payload, load->batch));
    if (!status) {
        load->messages += (int64_t)sb_messages_count(load->batch);
        sb__messages_clear(load->batch);
    }
    return status;
}

/* Names and bodies are checked with their batch, as all that is not a matter of one line. */
static sb_status add_message(sb_load *load, const char *queue, size_t queue_len, const char *body,
                             size_t body_len, int64_t id)
{
    sb_status status;

    if (id == 0) {
        return refuse(load, "message_id 0 is reserved; use a positive compatible SimpleBroker "
                            "message ID");
    }
    if (id > load->last_ts) {
        return refuse(load, "message id exceeds header last_ts");
    }
    status = sb__messages_append(load->batch, queue, queue_len, body, body_len, id);
    if (!status && (sb_messages_count(load->batch) >= BATCH_MESSAGES ||
                    sb__messages_bytes(load->batch) >= BATCH_BYTES)) {
        status = flush(load);
    }
    return status;
}

static sb_status take_message(sb_load *load, const sb__json *json)
{
    static const char surrogate[] = "\xED\xA0\x80";
    const json_t *queue = json_object_get(json->value, "queue");
    const json_t *body = json_object_get(json->value, "body");
    const char *text;
    size_t len;
    int64_t id;

    if (!json_is_string(queue) || !json_is_string(body)) {
        return refuse(load, "message record requires string 'queue' and 'body' fields");
    }
    if (!read_id(&id, json_object_get(json->value, "id"))) {
        return refuse(load, "invalid message ID: expected exactly 19 digits within range");
    }
    text = json_string_value(body);
    len = json_string_length(body);
    if (json->repaired && memmem(text, len, SB__JSON_LOST, sizeof SB__JSON_LOST - 1)) {
        /* Not UTF-8, to be refused for that when its batch is checked. */
        text = surrogate;
        len = sizeof surrogate - 1;
    }
    return add_message(load, json_string_value(queue), json_string_length(queue), text, len, id);
}

static sb_status take_record(sb_load *load, const sb__json *json)
{
    const json_t *type = json_object_get(json->value, "type");

    if (!json_is_object(json->value)) {
        return refuse(load, "record must be a JSON object");
    }
    if (!load->has_header) {
        return take_header(load, json->value);
    }
    if (is_text(type, "message")) {
        return take_message(load, json);
    }
    if (is_text(type, "alias")) {
        return take_alias(load, json->value);
    }
    if (is_text(type, "header")) {
        return refuse(load, "duplicate header");
    }
    return refuse_value(load, "unknown record type", type, "");
}

static sb_status take_line(sb_load *load, const char *line, size_t len)
{
    sb__str reason = SB__STR_INIT;
    sb__json json;
    sb_status status;

    if (sb__json_read(&json, &reason, line, len)) {
        status = take_record(load, &json);
        json_decref(json.value);
    } else if (reason.len > 0) {
        sb__fail(SB_EINVALID, "malformed JSON (%s)", reason.data);
        status = at_line(load);
    } else {
        status = sb__fail_nomem();
    }
    sb__str_dispose(&reason);
    return status;
}

static sb_status check_usable(const sb_load *load)
{
    if (!load) {
        return sb__fail(SB_EINVALID, "load must not be NULL");
    }
    return load->over ? sb__fail(SB_ERUNTIME, "the load is over") : SB_OK;
}

sb_status sb_load_line(sb_load *load, const char *line, size_t line_len)
{
    size_t len = sb__length(line, line_len);
    sb_status status;

    sb__error_clear();
    status = check_usable(load);
    if (status) {
        return status;
    }
    if (!line) {
        return sb__fail(SB_EINVALID, "line must not be NULL");
    }
    load->line++;
    sb__text_strip(&line, &len);
    if (len > 0) {
        status = take_line(load, line, len);
    }
    load->over = status != SB_OK;
    return status;
}

sb_status sb_load_finish(int64_t *out_messages, int64_t *out_aliases, sb_load *load)
{
    sb_status status;

    sb__error_clear();
    status = check_usable(load);
    if (status) {
        return status;
    }
    load->over = 1;
    if (!load->has_header) {
        return sb__fail(SB_EINVALID,
                        "invalid dump input: missing header (is this a simplebroker dump?)");
    }
    status = flush(load);
    if (!status) {
        status = result(load->advance(load->payload, load->last_ts));
    }
    if (!status) {
        if (out_messages) {
            *out_messages = load->messages;
        }
        if (out_aliases) {
            *out_aliases = load->aliases;
        }
    }
    return status;
}

void sb_load_close(sb_load *load)
{
    sb_error saved;

    if (!load) {
        return;
    }
    sb__error_stash(&saved);
    sb_messages_free(load->batch);
    sb_config_free(load->config);
    if (load->broker) {
        sb__broker_release(load->broker);
    }
    sb_free(load);
    sb__error_unstash(&saved);
}
