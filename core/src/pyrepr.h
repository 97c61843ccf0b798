/*
 * Texts as Python's repr() shows them: one line, control characters and undecodable bytes escaped.
 */
#ifndef SB_PYREPR_H
#define SB_PYREPR_H

#include <stddef.h>

#include "str.h"
#include "value.h"

/* repr() of a text; bytes that are not UTF-8 show as the lone surrogates Python decodes them to. */
void sb__py_repr_text(sb__str *out, const char *text, size_t len);

/* repr() of a value: None, True, 5, 1.5, 'text', b'bytes'. */
void sb__py_repr(sb__str *out, const sb__value *value);

/* str() of a value. */
void sb__py_str(sb__str *out, const sb__value *value);

/* A text as part of a message of one line: like repr(), without quotes. */
void sb__text_one_line(sb__str *out, const char *text, size_t len);

/* Cuts a text at `max` characters, the last three of them "...". */
void sb__text_ellipsis(sb__str *text, size_t max);

#endif
