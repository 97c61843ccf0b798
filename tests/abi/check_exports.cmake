# The dynamic symbols of the shared library are exactly the functions of the header, and its soname
# has its own number. Run with -DHEADER= -DLIBRARY= -DNM= -DREADELF= -DSONAME=

include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/SbSymbols.cmake")
sb_header_functions("${HEADER}" wanted)

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}"
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${text}")
set(found "")
foreach(line IN LISTS lines)
    # "0000 A SIMPLEBROKER_0" is the version node itself.
    if(line MATCHES "^[0-9a-f]+ ([A-Za-z]) ([A-Za-z0-9_]+)" AND NOT CMAKE_MATCH_1 STREQUAL "A")
        list(APPEND found "${CMAKE_MATCH_2}")
    endif()
endforeach()
list(SORT found)

if(NOT found STREQUAL wanted)
    set(extra ${found})
    list(REMOVE_ITEM extra ${wanted})
    set(absent ${wanted})
    list(REMOVE_ITEM absent ${found})
    message(FATAL_ERROR "exported but not in the header: ${extra}\n"
        "in the header but not exported: ${absent}")
endif()

execute_process(COMMAND "${READELF}" -d "${LIBRARY}"
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
if(NOT text MATCHES "soname: \\[${SONAME}\\]")
    message(FATAL_ERROR "soname is not ${SONAME}:\n${text}")
endif()
