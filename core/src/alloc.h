/* Memory: the process-wide allocator behind sb_alloc() and sb_free(). */
#ifndef SB_ALLOC_H
#define SB_ALLOC_H

#include <stddef.h>

#include "simplebroker.h"

/* Grows or shrinks memory from sb_alloc(); NULL on failure, the old memory then untouched. */
void *sb__realloc(void *memory, size_t size);

/* sb_alloc() with all bytes zero. */
void *sb__zalloc(size_t size);

/* A copy of `len` bytes with a final NUL, or NULL. */
char *sb__strndup(const char *text, size_t len);

#endif
