/*
 * Schema version 5, and the steps that lead to it from files of every earlier version. The texts
 * are those that other implementations write, to the character: tools compare them.
 */
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "error.h"

enum { NS_PER_MS = 1000000, STEP_BUDGET_MS = 10000 };

enum object {
    MESSAGES = 1 << 0,
    META = 1 << 1,
    ALIASES = 1 << 2,
    QUEUE_TS_ID = 1 << 3,
    UNCLAIMED = 1 << 4,
    PENDING_QUEUE_TS = 1 << 5,
    TS_UNIQUE = 1 << 6,
    ALIASES_TARGET = 1 << 7,
    ALL = (1 << 8) - 1,
    OLD_QUEUE_TS_1 = 1 << 8, /* of earlier versions, to be dropped */
    OLD_QUEUE_ID = 1 << 9,
    OLD_QUEUE_TS_2 = 1 << 10,
    OLD = OLD_QUEUE_TS_1 | OLD_QUEUE_ID | OLD_QUEUE_TS_2
};

static const struct {
    const char *name;
    const char *sql; /* creates it, or drops it */
} objects[] = {
    {"messages", "CREATE TABLE IF NOT EXISTS messages (\n"
                 "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
                 "    queue TEXT NOT NULL,\n"
                 "    body TEXT NOT NULL,\n"
                 "    ts INTEGER NOT NULL UNIQUE,\n"
                 "    claimed INTEGER DEFAULT 0\n"
                 ")\n"},
    {"meta", "CREATE TABLE IF NOT EXISTS meta (\n"
             "    key TEXT PRIMARY KEY,\n"
             "    value INTEGER NOT NULL\n"
             ")\n"},
    {"queue_aliases", "CREATE TABLE IF NOT EXISTS queue_aliases (\n"
                      "    alias TEXT PRIMARY KEY,\n"
                      "    target TEXT NOT NULL\n"
                      ")\n"},
    {"idx_messages_queue_ts_id", "CREATE INDEX IF NOT EXISTS idx_messages_queue_ts_id\n"
                                 "ON messages(queue, ts, id)\n"},
    {"idx_messages_unclaimed", "CREATE INDEX IF NOT EXISTS idx_messages_unclaimed\n"
                               "ON messages(queue, claimed, id)\n"
                               "WHERE claimed = 0\n"},
    {"idx_messages_pending_queue_ts", "CREATE INDEX IF NOT EXISTS idx_messages_pending_queue_ts\n"
                                      "ON messages(queue, ts)\n"
                                      "WHERE claimed = 0\n"},
    {"idx_messages_ts_unique", "CREATE UNIQUE INDEX IF NOT EXISTS idx_messages_ts_unique\n"
                               "ON messages(ts)\n"},
    {"idx_queue_aliases_target", "CREATE INDEX IF NOT EXISTS idx_queue_aliases_target "
                                 "ON queue_aliases(target)\n"},
    {"idx_messages_queue_ts", "DROP INDEX IF EXISTS idx_messages_queue_ts"},
    {"idx_queue_id", "DROP INDEX IF EXISTS idx_queue_id"},
    {"idx_queue_ts", "DROP INDEX IF EXISTS idx_queue_ts"},
};

enum { OBJECTS = sizeof objects / sizeof objects[0] };

static const char list_objects[] =
    "SELECT name FROM sqlite_master WHERE name COLLATE NOCASE IN ('messages', 'meta', "
    "'queue_aliases', 'idx_messages_queue_ts_id', 'idx_messages_unclaimed', "
    "'idx_messages_pending_queue_ts', 'idx_messages_ts_unique', 'idx_queue_aliases_target', "
    "'idx_messages_queue_ts', 'idx_queue_id', 'idx_queue_ts')";
static const char read_meta[] =
    "SELECT key, value FROM meta WHERE key IN ('magic', 'schema_version')";
static const char count_claimed_columns[] =
    "SELECT COUNT(*) FROM pragma_table_info('messages') WHERE name='claimed'";
static const char add_claimed_column[] =
    "ALTER TABLE messages ADD COLUMN claimed INTEGER DEFAULT 0";
static const char insert_last_ts[] =
    "INSERT OR IGNORE INTO meta (key, value) VALUES ('last_ts', 0)";
static const char insert_alias_version[] =
    "INSERT OR IGNORE INTO meta (key, value) VALUES ('alias_version', 0)";
static const char insert_magic[] =
    "INSERT OR IGNORE INTO meta (key, value) VALUES ('magic', '" SB__MAGIC "')";
static const char insert_version[] =
    "INSERT OR IGNORE INTO meta (key, value) VALUES ('schema_version', ?1)";
static const char raise_version[] =
    "UPDATE meta SET value = ?1 WHERE key = 'schema_version' AND value < ?1";

/* ---- looking -------------------------------------------------------------------------------- */

static sb_status note_object(void *payload, const sb_values *row)
{
    sb__schema *schema = payload;
    size_t len;
    const char *name = sb_values_text(&len, row, 0);

    for (size_t i = 0; name && i < OBJECTS; i++) {
        if (strlen(objects[i].name) == len && !strncasecmp(objects[i].name, name, len)) {
            schema->objects |= 1u << i;
        }
    }
    return SB_OK;
}

static int is_text(const sb_values *row, size_t index, const char *expected)
{
    size_t len;
    const char *text = sb_values_text(&len, row, index);

    return text && strlen(expected) == len && !memcmp(text, expected, len);
}

/* A value as text, cut to the size of `out`: a `meta` of another make may hold anything. */
static void copy_value(char *out, size_t size, const sb_values *row)
{
    size_t len;
    const char *text = sb_values_text(&len, row, 1);

    if (text) {
        snprintf(out, size, "%.*s", len < size ? (int)len : (int)size, text);
    } else {
        snprintf(out, size, "%lld", (long long)sb_values_int64(row, 1));
    }
}

struct meta {
    char magic[64];
    char version[64];
};

/* Rows are only noted here: an error set inside a foreign runner's call might not survive it. */
static sb_status note_meta(void *payload, const sb_values *row)
{
    struct meta *meta = payload;

    if (is_text(row, 0, "magic")) {
        copy_value(meta->magic, sizeof meta->magic, row);
    } else if (is_text(row, 0, "schema_version")) {
        copy_value(meta->version, sizeof meta->version, row);
    }
    return SB_OK;
}

static sb_status verify(sb__schema *out, const struct meta *meta)
{
    char *end;

    if (*meta->magic && strcmp(meta->magic, SB__MAGIC) != 0) {
        return sb__fail(SB_ERUNTIME,
                        "Database magic string mismatch. Expected '%s', found '%s'. "
                        "This database may not be a SimpleBroker database.",
                        SB__MAGIC, meta->magic);
    }
    out->has_magic = *meta->magic != '\0';
    out->has_version = *meta->version != '\0';
    out->version = strtoll(meta->version, &end, 10);
    if (*end) {
        return sb__fail(SB_ERUNTIME,
                        "Database schema version '%s' is not a number. "
                        "This database may not be a SimpleBroker database.",
                        meta->version);
    }
    if (out->version > SB_SCHEMA_VERSION) {
        return sb__fail(SB_ERUNTIME,
                        "Database schema version %lld is newer than supported version %d. "
                        "Please upgrade SimpleBroker.",
                        (long long)out->version, SB_SCHEMA_VERSION);
    }
    return SB_OK;
}

sb_status sb__schema_inspect(sb__schema *out, sb__runner *runner)
{
    struct meta meta = {"", ""};
    sb_status status;

    memset(out, 0, sizeof *out);
    status = sb__run(runner, list_objects, NULL, note_object, out);
    if (!status && out->objects & META) {
        status = sb__run(runner, read_meta, NULL, note_meta, &meta);
        if (status == SB_EOPERATIONAL && !sb__error_is_lock(status)) {
            sb__error_prefix("the table 'meta' is not one of SimpleBroker's: ");
        }
    }
    return status ? status : verify(out, &meta);
}

int sb__schema_is_complete(const sb__schema *schema)
{
    return schema->objects == ALL && schema->has_magic && schema->version == SB_SCHEMA_VERSION;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static sb_status run_text(sb__runner *runner, const char *sql)
{
    return sb__run_once(runner, sql, strlen(sql), NULL, NULL, NULL);
}

static sb_status run_version(sb__runner *runner, const char *sql, int version)
{
    sb_values params;

    sb__values_init(&params);
    sb_values_add_int64(&params, version);
    return sb__run_once(runner, sql, strlen(sql), &params, NULL, NULL);
}

/* Creates (or, of the old ones, drops) objects, in the order of `order`, which ends with 0. */
static sb_status run_objects(sb__schema *schema, sb__runner *runner, const unsigned *order)
{
    sb_status status = SB_OK;

    for (; !status && *order; order++) {
        int is_old = (*order & OLD) != 0;
        size_t i = 0;

        if (((schema->objects & *order) != 0) != is_old) {
            continue;
        }
        while (1u << i != *order) {
            i++;
        }
        status = run_text(runner, objects[i].sql);
        schema->objects ^= *order;
    }
    return status;
}

static sb_status keep_int64(void *payload, const sb_values *row)
{
    *(int64_t *)payload = sb_values_int64(row, 0);
    return SB_OK;
}

static sb_status has_claimed_column(int *out, sb__runner *runner)
{
    int64_t count = 0;
    sb_status status = sb__run_once(runner, count_claimed_columns,
                                    sizeof count_claimed_columns - 1, NULL, keep_int64, &count);

    *out = count > 0;
    return status;
}

static sb_status create_meta_rows(sb__schema *schema, sb__runner *runner)
{
    static const char *const texts[] = {insert_last_ts, insert_alias_version, insert_magic};
    sb_status status = SB_OK;

    for (size_t i = 0; !status && i < sizeof texts / sizeof texts[0]; i++) {
        status = run_text(runner, texts[i]);
    }
    if (!status) {
        status = run_version(runner, insert_version, SB_SCHEMA_VERSION);
    }
    schema->has_magic = 1;
    if (!schema->has_version) {
        schema->has_version = 1;
        schema->version = SB_SCHEMA_VERSION;
    }
    return status;
}

/*
 * Everything that is missing, except what an older table may not be ready for: its column `claimed`
 * is added, and its ids are made unique, by the steps that follow.
 */
static sb_status create(sb__schema *schema, sb__runner *runner)
{
    static const unsigned tables[] = {MESSAGES, OLD_QUEUE_TS_1, OLD_QUEUE_ID, OLD_QUEUE_TS_2,
                                      QUEUE_TS_ID, 0};
    static const unsigned of_pending[] = {UNCLAIMED, PENDING_QUEUE_TS, 0};
    static const unsigned others[] = {META, ALIASES, ALIASES_TARGET, 0};
    static const unsigned unique[] = {TS_UNIQUE, 0};
    int is_new = !(schema->objects & MESSAGES);
    int has_claimed = 1;
    sb_status status = is_new ? SB_OK : has_claimed_column(&has_claimed, runner);

    if (!status) {
        status = run_objects(schema, runner, tables);
    }
    if (!status && has_claimed) {
        status = run_objects(schema, runner, of_pending);
    }
    if (!status) {
        status = run_objects(schema, runner, others);
    }
    if (!status) {
        status = create_meta_rows(schema, runner);
    }
    return status || !is_new ? status : run_objects(schema, runner, unique);
}

static sb_status add_claimed(sb__schema *schema, sb__runner *runner)
{
    static const unsigned order[] = {UNCLAIMED, 0};
    int has_claimed;
    sb_status status = has_claimed_column(&has_claimed, runner);

    if (!status && !has_claimed) {
        status = run_text(runner, add_claimed_column);
    }
    return status ? status : run_objects(schema, runner, order);
}

static sb_status add_unique(sb__schema *schema, sb__runner *runner)
{
    static const unsigned order[] = {TS_UNIQUE, 0};
    sb_status status = run_objects(schema, runner, order);

    if (status == SB_EINTEGRITY) {
        return sb__fail(SB_ERUNTIME, "Cannot add unique constraint on timestamp column: "
                                     "duplicate timestamps exist in the database.");
    }
    return status;
}

static sb_status add_aliases(sb__schema *schema, sb__runner *runner)
{
    static const unsigned order[] = {ALIASES, ALIASES_TARGET, 0};
    sb_status status = run_objects(schema, runner, order);

    return status ? status : run_text(runner, insert_alias_version);
}

static sb_status add_pending(sb__schema *schema, sb__runner *runner)
{
    static const unsigned order[] = {PENDING_QUEUE_TS, 0};

    return run_objects(schema, runner, order);
}

/* In the order of their versions; the first one also starts from nothing. */
static const struct step {
    int version;       /* reached by it; 0: it does not change the version */
    unsigned provides; /* objects that show that it has been done */
    sb_status (*run)(sb__schema *schema, sb__runner *runner);
} steps[] = {
    {0, MESSAGES | META | ALIASES | QUEUE_TS_ID | ALIASES_TARGET, create},
    {2, UNCLAIMED, add_claimed},
    {3, TS_UNIQUE, add_unique},
    {4, ALIASES | ALIASES_TARGET, add_aliases},
    {5, PENDING_QUEUE_TS, add_pending},
};

static int is_needed(const struct step *step, const sb__schema *schema)
{
    if ((schema->objects & step->provides) != step->provides) {
        return 1;
    }
    return step->version ? schema->version < step->version
                         : !schema->has_magic || !schema->has_version || schema->objects & OLD;
}

static sb_status run_in_transaction(const struct step *step, sb__schema *schema,
                                    sb__runner *runner)
{
    sb_status status = sb__begin(runner);

    if (status) {
        return status;
    }
    /* Another process may have been faster, or may have done something else altogether. */
    status = sb__schema_inspect(schema, runner);
    if (!status && is_needed(step, schema)) {
        status = step->run(schema, runner);
        if (!status && schema->version < step->version) {
            status = run_version(runner, raise_version, step->version);
            schema->version = step->version;
        }
    }
    if (!status) {
        status = sb__commit(runner);
    }
    if (status) {
        sb__rollback(runner);
    }
    return status;
}

sb_status sb__schema_apply(sb__schema *schema, sb__runner *runner, sb__setup_budget *budget)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        while (is_needed(&steps[i], schema)) {
            sb_status status = run_in_transaction(&steps[i], schema, runner);

            if (!status) {
                sb__setup_budget_renew(budget);
                break;
            }
            status = sb__retry_wait(&budget->retry, status, -1);
            if (status) {
                return status;
            }
        }
    }
    return SB_OK;
}

void sb__setup_budget_init(sb__setup_budget *budget, const sb_options *options)
{
    sb__retry_init(&budget->retry, options);
    budget->limit_ns = budget->retry.deadline_ns;
}

void sb__setup_budget_renew(sb__setup_budget *budget)
{
    int64_t end = sb__clock_monotonic_ns() + (int64_t)STEP_BUDGET_MS * NS_PER_MS;

    budget->retry.deadline_ns = end < budget->limit_ns ? end : budget->limit_ns;
}

/* ---- through an application's runner -------------------------------------------------------- */

static sb_status run_phase(sb__runner *runner, sb_setup_phase phase)
{
    sb_status status = runner->calls.setup ? runner->calls.setup(runner->payload, phase) : SB_OK;

    if (status && sb_error_status(NULL) == SB_OK) {
        return sb__fail(status < 0 ? status : SB_EUSER, "the runner's set-up failed");
    }
    return status;
}

sb_status sb__schema_setup_runner(sb__runner *runner, const sb__settings *settings,
                                  const sb_options *options)
{
    sb__schema schema;
    sb__setup_budget budget;
    sb_status status = run_phase(runner, SB_SETUP_CONNECTION);

    (void)settings;
    sb__setup_budget_init(&budget, options);
    sb__setup_budget_renew(&budget);
    while (!status) {
        status = sb__schema_inspect(&schema, runner);
        if (!status) {
            break;
        }
        status = sb__retry_wait(&budget.retry, status, -1);
    }
    if (!status) {
        sb__setup_budget_renew(&budget);
        status = sb__schema_apply(&schema, runner, &budget);
    }
    return status ? status : run_phase(runner, SB_SETUP_OPTIMIZATION);
}
