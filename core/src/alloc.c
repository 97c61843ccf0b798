/*
 * The process-wide allocator. It can be replaced only before its first use, so that memory never
 * returns to another allocator than the one it came from.
 */
#include "alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static sb_malloc_fn malloc_fn = malloc;
static sb_realloc_fn realloc_fn = realloc;
static sb_free_fn free_fn = free;
static atomic_bool used;

static void mark_used(void)
{
    /* A load first: the line stays shared between cores once the flag is set. */
    if (!atomic_load_explicit(&used, memory_order_relaxed)) {
        atomic_store_explicit(&used, 1, memory_order_relaxed);
    }
}

sb_status sb_allocator_set(sb_malloc_fn new_malloc, sb_realloc_fn new_realloc, sb_free_fn new_free)
{
    sb__error_clear();
    if (!new_malloc || !new_realloc || !new_free) {
        return sb__fail(SB_EINVALID, "all three allocator functions are required");
    }
    if (atomic_load(&used)) {
        return sb__fail(SB_ERUNTIME, "the allocator is in use already");
    }
    malloc_fn = new_malloc;
    realloc_fn = new_realloc;
    free_fn = new_free;
    return SB_OK;
}

void *sb_alloc(size_t size)
{
    mark_used();
    return malloc_fn(size ? size : 1);
}

void sb_free(void *memory)
{
    if (memory) {
        free_fn(memory);
    }
}

void *sb__realloc(void *memory, size_t size)
{
    mark_used();
    return realloc_fn(memory, size ? size : 1);
}

void *sb__zalloc(size_t size)
{
    void *memory = sb_alloc(size);

    if (memory) {
        memset(memory, 0, size);
    }
    return memory;
}

char *sb__strndup(const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? sb_alloc(len + 1) : NULL;

    if (copy) {
        if (len) {
            memcpy(copy, text, len);
        }
        copy[len] = '\0';
    }
    return copy;
}
