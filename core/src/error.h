/*
 * The detail of the last failure, kept per thread. Functions returning sb_status call
 * sb__error_clear() on entry; low-level code sets the message once with sb__fail(), and callers
 * pass the status up unmasked. Cleanup that may itself fail runs between sb__error_stash() and
 * sb__error_unstash(), so that it cannot overwrite what the caller is to see.
 */
#ifndef SB_ERROR_H
#define SB_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

enum { SB__ERROR_MESSAGE_SIZE = 1024, SB__ERROR_FIELD_SIZE = 656 };

/* Texts live in the error itself: reporting a failure never allocates. */
struct sb_error {
    sb_status status;
    int retryable;
    int outcome_ambiguous;
    int sqlite_code;
    int64_t line;
    char message[SB__ERROR_MESSAGE_SIZE];
    char fields[4][SB__ERROR_FIELD_SIZE];
};

#if defined(__GNUC__)
#define SB__PRINTF(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))
#else
#define SB__PRINTF(format_index, first_arg)
#endif

void sb__error_clear(void);

/* Sets the detail (retryable "not said") and returns `status`. Overlong messages end in "...". */
sb_status sb__fail(sb_status status, const char *format, ...) SB__PRINTF(2, 3);

/* Amends the detail just set. */
void sb__error_set_retryable(int retryable);
void sb__error_set_ambiguous(void);
void sb__error_set_sqlite_code(int code);
void sb__error_set_line(int64_t line);
void sb__error_set_field(sb_error_field_id field, const char *text, size_t text_len);
/* Puts a text before the message just set. */
void sb__error_prefix(const char *format, ...) SB__PRINTF(1, 2);
/* Puts a text behind the message just set. */
void sb__error_suffix(const char *format, ...) SB__PRINTF(1, 2);

/* Whether the current error is a lock error, by its flag or, if that is unset, by its wording. */
int sb__error_is_lock(sb_status status);

/* Saves the current error into the caller's storage and restores it; nestable. */
void sb__error_stash(sb_error *saved);
void sb__error_unstash(const sb_error *saved);

sb_status sb__fail_nomem(void);

#endif
