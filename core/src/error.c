/*
 * The error table and the per-thread detail of the last failure.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

static _Thread_local sb_error current = {.retryable = -1};

const char *sb_status_name(sb_status status)
{
    switch (status) {
#define CASE(name, number, family, text)                                                           \
    case SB_##name:                                                                                \
        return #name;
        SB_STATUS_MAP(CASE)
#undef CASE
    default:
        return "UNKNOWN";
    }
}

const char *sb_status_text(sb_status status)
{
    switch (status) {
#define CASE(name, number, family, text)                                                           \
    case SB_##name:                                                                                \
        return text;
        SB_STATUS_MAP(CASE)
#undef CASE
    default:
        return "unknown status";
    }
}

const char *sb_status_family(sb_status status)
{
    switch (status) {
#define CASE(name, number, family, text)                                                           \
    case SB_##name:                                                                                \
        return #family;
        SB_STATUS_MAP(CASE)
#undef CASE
    default:
        return "BrokerError";
    }
}

void sb__error_clear(void)
{
    /* The texts are reset only where a failure left some: success costs two loads. */
    if (current.status != SB_OK || current.message[0]) {
        current.status = SB_OK;
        current.retryable = -1;
        current.outcome_ambiguous = 0;
        current.sqlite_code = 0;
        current.line = 0;
        current.message[0] = '\0';
        for (size_t i = 0; i < sizeof current.fields / sizeof current.fields[0]; i++) {
            current.fields[i][0] = '\0';
        }
    }
}

static void truncate_text(char *text, size_t size, size_t wanted)
{
    if (wanted >= size) {
        /* Cut at the beginning of a character, so that the text stays UTF-8. */
        size_t cut = size - 4;

        while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) {
            cut--;
        }
        memcpy(text + cut, "...", 4);
    }
}

static void set_message(const char *format, va_list args)
{
    int n = vsnprintf(current.message, sizeof current.message, format, args);

    truncate_text(current.message, sizeof current.message, n < 0 ? 0 : (size_t)n);
    sb__text_repair_utf8(current.message);
}

sb_status sb__fail(sb_status status, const char *format, ...)
{
    va_list args;

    sb__error_clear();
    current.status = status;
    va_start(args, format);
    set_message(format, args);
    va_end(args);
    return status;
}

sb_status sb__fail_nomem(void)
{
    return sb__fail(SB_ENOMEM, "out of memory");
}

void sb__error_set_retryable(int retryable)
{
    current.retryable = retryable < 0 ? -1 : retryable != 0;
}

void sb__error_set_ambiguous(void)
{
    current.outcome_ambiguous = 1;
}

void sb__error_set_sqlite_code(int code)
{
    current.sqlite_code = code;
}

void sb__error_set_line(int64_t line)
{
    current.line = line;
}

void sb__error_set_field(sb_error_field_id field, const char *text, size_t text_len)
{
    char *out = current.fields[field - SB_ERROR_KEY];
    size_t n = text_len < SB__ERROR_FIELD_SIZE ? text_len : SB__ERROR_FIELD_SIZE - 1;

    memcpy(out, text, n);
    out[n] = '\0';
    truncate_text(out, SB__ERROR_FIELD_SIZE, text_len);
}

void sb__error_prefix(const char *format, ...)
{
    char old[SB__ERROR_MESSAGE_SIZE];
    va_list args;
    size_t used;

    memcpy(old, current.message, sizeof old);
    va_start(args, format);
    set_message(format, args);
    va_end(args);
    used = strlen(current.message);
    truncate_text(current.message, sizeof current.message,
                  used + (size_t)snprintf(current.message + used, sizeof current.message - used,
                                          "%s", old));
}

void sb__error_suffix(const char *format, ...)
{
    size_t used = strlen(current.message);
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(current.message + used, sizeof current.message - used, format, args);
    va_end(args);
    truncate_text(current.message, sizeof current.message, used + (n < 0 ? 0 : (size_t)n));
}

int sb__error_is_lock(sb_status status)
{
    static const char *const wordings[] = {"database is locked", "database table is locked",
                                           "database schema is locked", "database is busy",
                                           "database busy"};

    if (status != SB_EOPERATIONAL && status != SB_EUSER) {
        return 0;
    }
    if (current.retryable >= 0) {
        return current.retryable;
    }
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        if (strstr(current.message, wordings[i])) {
            return 1;
        }
    }
    return 0;
}

void sb__error_stash(sb_error *saved)
{
    *saved = current;
}

void sb__error_unstash(const sb_error *saved)
{
    current = *saved;
}

sb_status sb_error_status(const sb_error *error)
{
    return error ? error->status : current.status;
}

const char *sb_error_message(const sb_error *error)
{
    return error ? error->message : current.message;
}

int sb_error_retryable(const sb_error *error)
{
    return error ? error->retryable : current.retryable;
}

int sb_error_outcome_ambiguous(const sb_error *error)
{
    return error ? error->outcome_ambiguous : current.outcome_ambiguous;
}

int sb_error_sqlite_code(const sb_error *error)
{
    return error ? error->sqlite_code : current.sqlite_code;
}

int64_t sb_error_line(const sb_error *error)
{
    return error ? error->line : current.line;
}

const char *sb_error_field(const sb_error *error, sb_error_field_id field)
{
    if ((int)field < SB_ERROR_KEY || (int)field > SB_ERROR_VALUE) {
        return "";
    }
    return (error ? error : &current)->fields[field - SB_ERROR_KEY];
}

sb_error *sb_error_save(void)
{
    sb_error *copy = sb_alloc(sizeof *copy);

    if (copy) {
        *copy = current;
    }
    return copy;
}

void sb_error_free(sb_error *error)
{
    sb_free(error);
}

sb_status sb_error_set(sb_status status, const char *message, size_t message_len, int retryable)
{
    if (message && message_len == (size_t)SB_NTS) {
        message_len = strlen(message);
    }
    if (message_len > SB__ERROR_MESSAGE_SIZE) {
        message_len = SB__ERROR_MESSAGE_SIZE;
    }
    sb__fail(status, "%.*s", message ? (int)message_len : 0, message ? message : "");
    sb__error_set_retryable(retryable);
    return status;
}
