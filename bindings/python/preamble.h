/* What the generated module begins with. */
#include <string.h>

#include <embed.h>
#include <interpreter.h>
#include <objects.h>

/*
 * Every call of a Python function goes through here. When the interpreter has ended, the caller is
 * told that the function failed; its arguments are where its result is to be.
 */
static void sbpy_call(struct _cffi_externpy_s *function, char *memory)
{
    if (sbpy_is_gone()) {
        memset(memory, 0xff, function->size_of_result);
    } else {
        _cffi_call_python(function, memory);
    }
}

#undef _cffi_call_python
#define _cffi_call_python sbpy_call
