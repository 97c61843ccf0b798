/*
 * A strict reader of TOML 1.0, for project files. It checks the whole document and hands over what
 * such files are made of: the values at the top and those of tables directly below it.
 */
#ifndef SB_TOML_H
#define SB_TOML_H

#include <stddef.h>
#include <stdint.h>

typedef enum sb__toml_type {
    SB__TOML_STRING,
    SB__TOML_INTEGER,
    SB__TOML_FLOAT,
    SB__TOML_BOOLEAN,
    SB__TOML_DATETIME, /* any of the four kinds of dates and times */
    SB__TOML_ARRAY,    /* also an array of tables */
    SB__TOML_TABLE
} sb__toml_type;

typedef struct sb__toml_value {
    sb__toml_type type;
    const char *text; /* STRING: decoded; DATETIME: as written; else NULL. Ends with NUL */
    size_t len;
    int64_t integer; /* INTEGER; BOOLEAN: 0 or 1 */
    double real;     /* FLOAT */
} sb__toml_value;

/* Valid during the callback only. Names are decoded, may contain NUL, and end with one. */
typedef struct sb__toml_entry {
    const char *table; /* NULL at the top */
    size_t table_len;
    const char *key;
    size_t key_len;
    sb__toml_value value;
} sb__toml_entry;

typedef struct sb__toml_error {
    size_t line;   /* from 1; 0 when the document ends too early */
    size_t column; /* in characters, from 1; 0 likewise */
    char message[80];
} sb__toml_error;

enum { SB__TOML_BAD = -1, SB__TOML_NO_MEMORY = -2, SB__TOML_MAX_DEPTH = 128 };

/* Anything but 0 stops the parsing, which then returns it. */
typedef int (*sb__toml_cb)(const sb__toml_entry *entry, void *payload);

/*
 * Parses a document. Each value at the top and each value of a table at the top is reported once,
 * in the order of the text; a table, however it is written, is reported before its values, and as
 * TABLE without its values when it lies deeper. What an array contains is checked only.
 *
 * A document is not known to be valid before the end, so what the callback was given counts for
 * nothing unless the result is 0. Arrays and inline tables may be SB__TOML_MAX_DEPTH deep.
 * Returns 0, SB__TOML_BAD with *error set, SB__TOML_NO_MEMORY, or what the callback returned.
 */
int sb__toml_parse(const char *text, size_t len, sb__toml_cb callback, void *payload,
                   sb__toml_error *error);

#endif
