# The header may include <stddef.h> and <stdint.h>, nothing else. Run with -DHEADER=

file(STRINGS "${HEADER}" includes REGEX "^[ \t]*#[ \t]*include")
foreach(line IN LISTS includes)
    if(NOT line MATCHES "^#include <(stddef|stdint)\\.h>$")
        message(FATAL_ERROR "the public header may not have: ${line}")
    endif()
endforeach()
