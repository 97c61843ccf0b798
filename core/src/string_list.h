/* Lists of strings, and the length of a string argument. */
#ifndef SB_STRING_LIST_H
#define SB_STRING_LIST_H

#include <stddef.h>
#include <string.h>

#include "simplebroker.h"

struct sb_strings {
    size_t count;
    size_t capacity;
    struct {
        char *data;
        size_t len;
    } *items;
};

/* Resolves SB_NTS; a NULL text stays a NULL text of length 0. */
static inline size_t sb__text_length(const char *text, size_t len)
{
    return !text ? 0 : len == (size_t)SB_NTS ? strlen(text) : len;
}

#endif
