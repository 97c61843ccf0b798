# The objects of the command ask the library for public functions only.
# Run with -DHEADER= -DOBJECTS= -DNM=

include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/SbSymbols.cmake")
sb_header_functions("${HEADER}" public)

execute_process(COMMAND "${NM}" ${OBJECTS} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " U sb_[a-z0-9_]+" used "${text}")
string(REGEX MATCHALL " [TDBR] sb_[a-z0-9_]+" own "${text}")
list(TRANSFORM used REPLACE "^ U " "")
list(TRANSFORM own REPLACE "^ [TDBR] " "")
list(REMOVE_DUPLICATES used)
if(used STREQUAL "")
    message(FATAL_ERROR "the command uses no function of the library at all")
endif()
list(REMOVE_ITEM used ${public} ${own})
if(NOT used STREQUAL "")
    message(FATAL_ERROR "the command uses what is not in the header: ${used}")
endif()
