/*
 * The application's own SQL on the broker's database. Statements that would disturb the library's
 * transactions are refused by their first word, whoever runs them; statements that change something
 * run inside a transaction, so that one which fails half-way leaves nothing behind.
 */
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "runner.h"
#include "simplebroker.h"
#include "txn.h"

typedef struct word {
    const char *text;
    size_t len;
} word;

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What SQLite passes over in front of a statement: blanks, comments, semicolons, a byte order
 * mark. */
static const char *skip_filler(const char *p, const char *end)
{
    while (p < end) {
        if (is_space(*p) || *p == ';') {
            p++;
        } else if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
            const char *line_end = memchr(p, '\n', (size_t)(end - p));

            p = line_end ? line_end + 1 : end;
        } else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
            for (p += 2; p < end && !(p[0] == '*' && p + 1 < end && p[1] == '/'); p++) {
            }
            p = end - p >= 2 ? p + 2 : end;
        } else if (end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
            p += 3;
        } else {
            break;
        }
    }
    return p;
}

static word read_word(const char *p, const char *end)
{
    word w = {p, 0};

    while (p < end && is_word(*p)) {
        p++;
    }
    w.len = (size_t)(p - w.text);
    return w;
}

static int is_one_of(word w, const char *const *words)
{
    for (; *words; words++) {
        if (strlen(*words) == w.len && strncasecmp(*words, w.text, w.len) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Whether any word of the text changes rows; taking one in a string for it does no harm. */
static int has_change(const char *p, const char *end)
{
    static const char *const changes[] = {"INSERT", "REPLACE", "UPDATE", "DELETE", NULL};

    while (p < end) {
        word w = read_word(p, end);

        if (is_one_of(w, changes)) {
            return 1;
        }
        p += w.len ? w.len : 1;
    }
    return 0;
}

static sb_status classify(int *out_changes, const char *sql, size_t len)
{
    static const char *const refused[] = {"BEGIN",   "COMMIT", "END",    "ROLLBACK", "SAVEPOINT",
                                          "RELEASE", "ATTACH", "DETACH", NULL};
    static const char *const changes[] = {"INSERT", "REPLACE", "UPDATE", "DELETE",
                                          "CREATE", "DROP",    "ALTER",  NULL};
    static const char *const with[] = {"WITH", NULL};
    const char *end = sql + len;
    word first = read_word(skip_filler(sql, end), end);

    if (is_one_of(first, refused)) {
        return sb__fail(SB_EINVALID, "%.*s is not allowed in sidecar SQL", (int)first.len,
                        first.text);
    }
    *out_changes = is_one_of(first, changes) ||
                   (is_one_of(first, with) && has_change(first.text, end));
    return SB_OK;
}

typedef struct statement {
    const char *sql;
    size_t sql_len;
    const sb_values *params;
    sb_row_fn fn;
    void *payload;
    int64_t delivered;
} statement;

static sb_status deliver(void *payload, const sb_values *row)
{
    statement *s = payload;

    s->delivered++;
    if (!s->fn || s->fn(s->payload, row) == SB_OK) {
        return SB_OK;
    }
    return sb_error_status(NULL) ? SB_EUSER
                                 : sb__fail(SB_EUSER, "the callback ended the statement");
}

static sb_status run_work(sb__call *call, void *context)
{
    statement *s = context;
    sb_status status;

    if (s->delivered) {
        /* A repetition would deliver rows twice. */
        status = sb__fail(SB_EOPERATIONAL, "database is locked");
        sb__error_set_retryable(0);
        return status;
    }
    sb__error_clear();
    status = sb__run_once(call->runner, s->sql, s->sql_len, s->params, deliver, s);
    call->rows = s->delivered;
    return status;
}

/* Runners are promised a text that ends in NUL, and at its first one. */
static sb_status copy_text(char **out, const char *sql, size_t len)
{
    if (!sql || memchr(sql, '\0', len)) {
        return sb__fail(SB_EINVALID, "sql must be a text without NUL");
    }
    *out = sb__strndup(sql, len);
    return *out ? SB_OK : sb__fail_nomem();
}

sb_status sb_sidecar_run(sb_broker *broker, const char *sql, size_t sql_len,
                         const sb_values *params, const sb_options *options, sb_row_fn fn,
                         void *payload)
{
    statement s = {NULL, sb__length(sql, sql_len), params, fn, payload, 0};
    char *text = NULL;
    int changes = 0;
    sb_values none;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "sidecar_run", options);

    if (status) {
        return status;
    }
    if (!params) {
        sb__values_init(&none);
        s.params = &none;
    }
    status = copy_text(&text, sql, s.sql_len);
    s.sql = text;
    if (!status) {
        status = classify(&changes, text, s.sql_len);
    }
    if (!status) {
        status = changes ? sb__mutate(&call, options, 1, run_work, &s)
                         : sb__ask(&call, options, run_work, &s);
    }
    sb_free(text);
    return sb__leave(&call, status);
}
