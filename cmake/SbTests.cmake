# How tests/CMakeLists.txt registers tests. Labels: unit, cli, interop, abi; threads and valgrind
# mark the subsets which run under those tools.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
find_program(SB_VALGRIND valgrind)

set(SB_REFERENCE "${CMAKE_BINARY_DIR}/reference" CACHE PATH
    "Environment of the reference implementation")
set(SB_TEST_TIMEOUT 120 CACHE STRING "Seconds before a test program counts as hung")

set(SB_SANITIZER_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# sb_add_test(name [THREADS] [VALGRIND] [DIRECTORY core] [SOURCES more.c...] [TIMEOUT seconds]
#     [ARGUMENTS argument...]): builds DIRECTORY/test_<name>.c and runs it as DIRECTORY.<name>.
function(sb_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "THREADS;VALGRIND" "TIMEOUT;DIRECTORY"
        "SOURCES;ARGUMENTS")
    if(NOT arg_DIRECTORY)
        set(arg_DIRECTORY core)
    endif()
    list(TRANSFORM arg_SOURCES PREPEND "${arg_DIRECTORY}/")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT "${SB_TEST_TIMEOUT}")
    endif()
    set(labels unit ${arg_DIRECTORY})
    if(arg_THREADS)
        list(APPEND labels threads)
    endif()

    add_executable(test_${name} ${arg_DIRECTORY}/test_${name}.c ${arg_SOURCES})
    target_link_libraries(test_${name} PRIVATE sb_internal PkgConfig::CMOCKA m)
    target_compile_definitions(test_${name} PRIVATE
        SB_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}/tests")
    target_include_directories(test_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")

    add_test(NAME ${arg_DIRECTORY}.${name} COMMAND test_${name} ${arg_ARGUMENTS})
    set_tests_properties(${arg_DIRECTORY}.${name} PROPERTIES LABELS "${labels}"
        TIMEOUT "${arg_TIMEOUT}"
        ENVIRONMENT "${SB_SANITIZER_ENVIRONMENT}")

    if(arg_VALGRIND AND SB_VALGRIND AND NOT SB_SANITIZE)
        math(EXPR slow "${arg_TIMEOUT} * 5")
        add_test(NAME valgrind.${name} COMMAND "${SB_VALGRIND}" --quiet --error-exitcode=99
            --leak-check=full --errors-for-leak-kinds=definite,indirect,possible
            --child-silent-after-fork=yes $<TARGET_FILE:test_${name}>
            ${arg_ARGUMENTS})
        set_tests_properties(valgrind.${name} PROPERTIES LABELS valgrind TIMEOUT "${slow}"
            COST 20
            ENVIRONMENT "SB_VALGRIND=1")
    endif()
endfunction()

# The Python environments are fixtures: made when missing, checked in an instant otherwise.
add_test(NAME setup.python COMMAND "${PROJECT_SOURCE_DIR}/scripts/python-env" "${SB_VENV}"
    "${PROJECT_SOURCE_DIR}/tests/python/requirements.txt" 3.11)
set_tests_properties(setup.python PROPERTIES FIXTURES_SETUP python LABELS setup)
add_test(NAME setup.reference COMMAND "${PROJECT_SOURCE_DIR}/scripts/python-env"
    "${SB_REFERENCE}" "${PROJECT_SOURCE_DIR}/tests/python/reference.txt" 3.11)
set_tests_properties(setup.reference PROPERTIES FIXTURES_SETUP reference LABELS setup)

# What a Python test finds in its environment; tests/README.md lists it.
set(SB_PYTEST_ENVIRONMENT
    "BROKER_BIN=$<TARGET_FILE:broker>"
    "SIMPLEBROKER_LIB=$<TARGET_FILE:simplebroker>"
    "SIMPLEBROKER_INCLUDE=${PROJECT_SOURCE_DIR}/core/include"
    "SB_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "SB_BINARY_DIR=${CMAKE_BINARY_DIR}"
    "SB_REFERENCE=${SB_REFERENCE}"
    "SB_SANITIZE=${SB_SANITIZE}"
    "SB_CC=${CMAKE_C_COMPILER}"
    "PYTHONDONTWRITEBYTECODE=1"
    ${SB_SANITIZER_ENVIRONMENT})

# sb_add_pytests(directory): one ctest test for each test_*.py, so that they run side by side.
function(sb_add_pytests directory)
    if(NOT TARGET broker)
        return()
    endif()
    file(GLOB files CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}/${directory}"
        "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/test_*.py")
    foreach(file IN LISTS files)
        string(REGEX REPLACE "^test_(.*)\\.py$" "${directory}.\\1" name "${file}")
        add_test(NAME ${name} COMMAND "${SB_VENV}/bin/python" -m pytest -q
            "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/${file}")
        set_tests_properties(${name} PROPERTIES LABELS "${directory}" TIMEOUT 600 COST 30
            ENVIRONMENT "${SB_PYTEST_ENVIRONMENT}" FIXTURES_REQUIRED "python;reference")
    endforeach()
endfunction()
