/*
 * What the fuzzing targets share. A target is one function which takes any bytes, as libFuzzer
 * wants it: with clang's -fsanitize=fuzzer it is driven by coverage, otherwise by driver.c.
 */
#ifndef SB_FUZZ_H
#define SB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts that are worth starting from; the last is NULL. Used by driver.c. */
extern const char *const fuzz_seeds[];

/* Ends the process if something that must hold does not. */
#define FUZZ_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

#endif
