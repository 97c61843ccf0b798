/*
 * Numbers as Python reads and writes them, independent of the process's locale: int(), float() and
 * repr() are part of the contract of settings and of JSON.
 */
#ifndef SB_PYNUM_H
#define SB_PYNUM_H

#include <stddef.h>
#include <stdint.h>

/* int(text): 1 and the value, clamped to 64 bits, or 0. */
int sb__py_int(int64_t *out, const char *text, size_t len);

/* int(number): truncates and clamps; 0 for what is not finite. */
int sb__py_int_of_double(int64_t *out, double number);

/* float(text): 1 and the value; 0 if it is none; -1 when memory runs out. */
int sb__py_float(double *out, const char *text, size_t len);

enum { SB__PY_FLOAT_SIZE = 32 };

/* repr(number): the shortest text that reads back as the same number. Returns its length. */
size_t sb__py_float_repr(char out[SB__PY_FLOAT_SIZE], double number);

#endif
