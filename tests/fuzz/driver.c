/*
 * Drives a target without libFuzzer: first the files named as arguments and the target's seeds,
 * then mutations of these for some seconds, always the same ones.
 *
 *     fuzz_<target> [-t seconds] [file...]
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_INPUTS = 256, MAX_SIZE = 4096, MUTATIONS = 8 };

typedef struct input {
    uint8_t *bytes;
    size_t size;
} input;

static input inputs[MAX_INPUTS];
static size_t input_count;
static uint64_t random_state = 88172645463325252u;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static void add_input(const void *bytes, size_t size)
{
    input *in = &inputs[input_count];

    if (input_count == MAX_INPUTS || size > MAX_SIZE) {
        return;
    }
    in->bytes = malloc(size + 1);
    if (in->bytes) {
        memcpy(in->bytes, bytes, size);
        in->size = size;
        input_count++;
    }
}

static int add_file(const char *path)
{
    static uint8_t bytes[MAX_SIZE];
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return 1;
    }
    add_input(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
    return 0;
}

static size_t insert(uint8_t *bytes, size_t size, const uint8_t *piece, size_t piece_size)
{
    size_t at = next_random() % (size + 1);

    if (size + piece_size > MAX_SIZE) {
        return size;
    }
    memmove(bytes + at + piece_size, bytes + at, size - at);
    memcpy(bytes + at, piece, piece_size);
    return size + piece_size;
}

static size_t cut(uint8_t *bytes, size_t size)
{
    size_t at = size ? next_random() % size : 0;
    size_t count = size ? 1 + next_random() % (size - at) : 0;

    memmove(bytes + at, bytes + at + count, size - at - count);
    return size - count;
}

static size_t splice(uint8_t *bytes, size_t size)
{
    const input *other = &inputs[next_random() % input_count];
    size_t from = other->size ? next_random() % other->size : 0;
    size_t count = other->size ? next_random() % (other->size - from) + 1 : 0;

    return insert(bytes, size, other->bytes + from, count);
}

static size_t mutate(uint8_t *bytes, size_t size)
{
    static const uint8_t telling[] = {0, '"', '\\', '\n', '[', ']', '{', '}', '=', '.', '-', '*',
                                      '9', 0x80, 0xc3, 0xed, 0xff, ' ', '@', '#', '\'', 'e'};
    uint8_t byte = telling[next_random() % sizeof telling];

    switch (next_random() % 5) {
    case 0:
        if (size) {
            bytes[next_random() % size] = byte;
        }
        return size;
    case 1:
        if (size) {
            bytes[next_random() % size] ^= (uint8_t)(1u << next_random() % 8);
        }
        return size;
    case 2:
        return insert(bytes, size, &byte, 1);
    case 3:
        return cut(bytes, size);
    default:
        return splice(bytes, size);
    }
}

/* A copy of exactly the input's size, so that the address sanitizer sees reads beyond it. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size);

    if (copy || !size) {
        if (size) {
            memcpy(copy, bytes, size);
        }
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
}

static void run_mutations(long seconds)
{
    static uint8_t bytes[MAX_SIZE];
    time_t end = time(NULL) + seconds;

    while (time(NULL) < end) {
        for (int i = 0; i < 64; i++) {
            const input *start = &inputs[next_random() % input_count];
            size_t size = start->size;

            memcpy(bytes, start->bytes, size);
            for (uint32_t m = next_random() % MUTATIONS + 1; m > 0; m--) {
                size = mutate(bytes, size);
            }
            run(bytes, size);
        }
    }
}

int main(int argc, char **argv)
{
    long seconds = 0;
    int failed = 0;

    add_input("", 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) {
            seconds = strtol(argv[++i], NULL, 10);
        } else {
            failed |= add_file(argv[i]);
        }
    }
    for (size_t i = 0; fuzz_seeds[i]; i++) {
        add_input(fuzz_seeds[i], strlen(fuzz_seeds[i]));
    }
    for (size_t i = 0; i < input_count; i++) {
        run(inputs[i].bytes, inputs[i].size);
    }
    run_mutations(seconds);
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].bytes);
    }
    return failed;
}
