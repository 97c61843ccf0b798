/* The names of a TOML document in one hash table, by the table that they belong to and their
 * text. */
#include "toml_names.h"

#include <string.h>

#include "alloc.h"

static size_t hash(uint64_t parent, const char *text, size_t len)
{
    uint64_t h = 14695981039346656037u ^ (parent * 0x9e3779b97f4a7c15u);
    size_t i;

    for (i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return (size_t)(h ^ (h >> 32));
}

sb__toml_name *sb__toml_names_find(const sb__toml_names *names, uint64_t parent, const char *text,
                                   size_t len)
{
    sb__toml_name *name;

    if (names->bucket_count == 0) {
        return NULL;
    }
    name = names->buckets[hash(parent, text, len) & (names->bucket_count - 1)];
    while (name != NULL
           && !(name->parent == parent && name->len == len && memcmp(name->text, text, len) == 0)) {
        name = name->next;
    }
    return name;
}

static void link_name(sb__toml_names *names, sb__toml_name *name)
{
    size_t bucket = hash(name->parent, name->text, name->len) & (names->bucket_count - 1);

    name->next = names->buckets[bucket];
    names->buckets[bucket] = name;
}

static int grow(sb__toml_names *names)
{
    sb__toml_names grown = *names;
    size_t i;

    grown.bucket_count = names->bucket_count == 0 ? 16 : names->bucket_count * 2;
    grown.buckets = sb__zalloc(grown.bucket_count * sizeof(sb__toml_name *));
    if (grown.buckets == NULL) {
        return 0;
    }
    for (i = 0; i < names->bucket_count; i++) {
        sb__toml_name *name = names->buckets[i];

        while (name != NULL) {
            sb__toml_name *next = name->next;

            link_name(&grown, name);
            name = next;
        }
    }
    sb_free(names->buckets);
    *names = grown;
    return 1;
}

sb__toml_name *sb__toml_names_add(sb__toml_names *names, uint64_t parent, const char *text,
                                  size_t len, sb__toml_name_kind kind)
{
    sb__toml_name *name;

    if (names->count == names->bucket_count && !grow(names)) {
        return NULL;
    }
    name = sb__zalloc(sizeof(*name) + len + 1);
    if (name == NULL) {
        return NULL;
    }
    name->parent = parent;
    name->space = ++names->last_space;
    name->kind = kind;
    name->len = len;
    memcpy(name->text, text, len);
    link_name(names, name);
    names->count++;
    return name;
}

void sb__toml_names_dispose(sb__toml_names *names)
{
    size_t i;

    for (i = 0; i < names->bucket_count; i++) {
        while (names->buckets[i] != NULL) {
            sb__toml_name *name = names->buckets[i];

            names->buckets[i] = name->next;
            sb_free(name);
        }
    }
    sb_free(names->buckets);
    memset(names, 0, sizeof(*names));
}
