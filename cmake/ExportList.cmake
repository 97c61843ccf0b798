# Writes the names of the functions that the header marks SB_EXTERN, as the linker wants them.
# Run with -DHEADER= -DOUTPUT= -DFORMAT=gnu|darwin|plain|c; `c` is a program that uses every name.

include("${CMAKE_CURRENT_LIST_DIR}/SbSymbols.cmake")
sb_header_functions("${HEADER}" names)

if(FORMAT STREQUAL "gnu")
    list(JOIN names ";\n        " body)
    set(text "SIMPLEBROKER_0 {\n    global:\n        ${body};\n    local:\n        *;\n};\n")
elseif(FORMAT STREQUAL "darwin")
    list(JOIN names "\n_" body)
    set(text "_${body}\n")
elseif(FORMAT STREQUAL "plain")
    list(JOIN names "\n" body)
    set(text "${body}\n")
elseif(FORMAT STREQUAL "c")
    list(TRANSFORM names REPLACE "(.+)" "    {\"\\1\", (function)\\1}," OUTPUT_VARIABLE rows)
    list(JOIN rows "\n" body)
    string(CONCAT text
        "#include <simplebroker.h>\n"
        "#include <stdio.h>\n\n"
        "typedef void (*function)(void);\n\n"
        "static const struct {\n    const char *name;\n    function address;\n} table[] = {\n"
        "${body}\n};\n\n"
        "int main(void)\n{\n"
        "    size_t n = sizeof table / sizeof *table;\n\n"
        "    for (size_t i = 0; i < n; i++) {\n"
        "        if (table[i].address == NULL) {\n"
        "            printf(\"%s has no address\\n\", table[i].name);\n"
        "            return 1;\n        }\n    }\n"
        "    printf(\"%zu functions linked\\n\", n);\n"
        "    return n == 0;\n}\n")
else()
    message(FATAL_ERROR "FORMAT must be gnu, darwin, plain or c")
endif()
file(WRITE "${OUTPUT}" "${text}")
