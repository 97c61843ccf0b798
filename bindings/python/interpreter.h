/*
 * The end of the interpreter. Daemon threads that are in the library then go on for a while, and
 * must not come back: a thread without a Python state would be given one, by an interpreter that is
 * no more.
 */
#ifndef SBPY_INTERPRETER_H
#define SBPY_INTERPRETER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Whether the interpreter has ended. For threads that came from Python; needs no lock. */
static inline int sbpy_is_gone(void)
{
    return !PyGILState_GetThisThreadState();
}

#endif
