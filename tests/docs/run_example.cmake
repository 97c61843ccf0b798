# Runs an example of the guide in an empty directory. It must succeed in silence on stderr and, where
# NAME.out stands beside its source, print exactly that. Run with -DPROGRAM= -DSCRATCH= -DEXPECTED=

file(REMOVE_RECURSE "${SCRATCH}")
file(MAKE_DIRECTORY "${SCRATCH}")
execute_process(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${SCRATCH}"
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT result EQUAL 0 OR NOT errors STREQUAL "")
    message(FATAL_ERROR "exit ${result}\n${output}\n${errors}")
endif()
if(EXISTS "${EXPECTED}")
    file(READ "${EXPECTED}" expected)
    if(NOT output STREQUAL expected)
        message(FATAL_ERROR "expected:\n${expected}\ngot:\n${output}")
    endif()
endif()
