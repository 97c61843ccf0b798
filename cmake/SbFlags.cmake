# How our own code is compiled: one interface target, linked privately by everything we build.

add_library(sb_flags INTERFACE)
target_compile_definitions(sb_flags INTERFACE
    _FILE_OFFSET_BITS=64
    $<$<PLATFORM_ID:Linux>:_GNU_SOURCE>
    $<$<PLATFORM_ID:Darwin>:_DARWIN_C_SOURCE>)

# Sign conversion is left out: casts at every mix of size_t and SQLite's int would hide the rest.
target_compile_options(sb_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wstrict-prototypes -Wold-style-definition -Wwrite-strings -Wundef -Wvla
    $<$<BOOL:${SB_WERROR}>:-Werror>)

# A list of SQL statements, some of several lines, is not a forgotten comma.
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_compile_options(sb_flags INTERFACE -Wno-string-concatenation)
endif()

# Calls between our own exported functions need no detour through the dynamic linker.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(sb_flags INTERFACE -fno-semantic-interposition)
endif()

if(SB_SANITIZE)
    target_compile_options(sb_flags INTERFACE
        -fsanitize=${SB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(sb_flags INTERFACE -fsanitize=${SB_SANITIZE})
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
