/* Which names a TOML document has defined so far, and as what: the memory behind its rules against
 * defining anything twice. */
#ifndef SB_TOML_NAMES_H
#define SB_TOML_NAMES_H

#include <stddef.h>
#include <stdint.h>

typedef enum sb__toml_name_kind {
    SB__TOML_CLOSED, /* a value, array or inline table: nothing can be added */
    SB__TOML_OPEN,   /* a table */
    SB__TOML_LIST    /* an array of tables; what is added goes into its last one */
} sb__toml_name_kind;

typedef struct sb__toml_name {
    struct sb__toml_name *next; /* in its bucket */
    uint64_t parent;            /* space of the table that it belongs to */
    uint64_t space;             /* its own, if it is a table; of its last one, if a list */
    uint64_t section;           /* OPEN by dotted keys: where, because only there it can grow */
    sb__toml_name_kind kind;
    int has_header;             /* OPEN: a header has defined it */
    size_t len;
    char text[];                /* ends with NUL */
} sb__toml_name;

typedef struct sb__toml_names {
    sb__toml_name **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
    uint64_t last_space; /* the top of the document is 0 */
} sb__toml_names;

sb__toml_name *sb__toml_names_find(const sb__toml_names *names, uint64_t parent, const char *text,
                                   size_t len);

/* Adds a name that is not there yet, with a space of its own. NULL when memory runs out. */
sb__toml_name *sb__toml_names_add(sb__toml_names *names, uint64_t parent, const char *text,
                                  size_t len, sb__toml_name_kind kind);

void sb__toml_names_dispose(sb__toml_names *names);

#endif
