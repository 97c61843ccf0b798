/* JSON strings as Python's json.dumps() writes them. */
#ifndef SB_JSON_OUT_H
#define SB_JSON_OUT_H

#include <stddef.h>

#include "str.h"

/* Appends a quoted string; only quotes, backslashes and control characters below 32 are escaped. */
void sb__json_string(sb__str *out, const char *text, size_t len);

/* The same in pure ASCII: DEL and everything beyond it becomes \uXXXX. The text is valid UTF-8. */
void sb__json_string_ascii(sb__str *out, const char *text, size_t len);

#endif
