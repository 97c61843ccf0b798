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
    "SB_PACKAGE=${SB_OUTPUT_DIR}/python"
    "SB_REFERENCE=${SB_REFERENCE}"
    "SB_SANITIZE=${SB_SANITIZE}"
    "SB_CC=${CMAKE_C_COMPILER}"
    "PYTHONDONTWRITEBYTECODE=1"
    ${SB_SANITIZER_ENVIRONMENT})

# Files that take 15 s and more, most of them by waiting (for retries of the storage, for instance):
# they begin first, and others work meanwhile.
set(SB_WAITING_TESTS "(targets|watchers|watcher_[a-z]+|native_watchers|native_waiters|\
native_waiter_ends|waiters|polling|identity|shutdown|exceptions|properties|more|waiting)")

# sb_add_pytest(name file label [ENVIRONMENT variable=value...] COMMAND python...): one file, run by
# the Python given.
function(sb_add_pytest name file label)
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "COMMAND;ENVIRONMENT")
    add_test(NAME ${name} COMMAND ${arg_COMMAND} -m pytest -q "${file}")
    set(cost 30)
    if(name MATCHES "\\.${SB_WAITING_TESTS}$")
        set(cost 60)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT 600 COST ${cost}
        ENVIRONMENT "${SB_PYTEST_ENVIRONMENT};${arg_ENVIRONMENT}"
        FIXTURES_REQUIRED "python;reference")
endfunction()

# sb_add_pytests(directory): one ctest test for each test_*.py, so that they run side by side.
function(sb_add_pytests directory)
    if(NOT TARGET broker)
        return()
    endif()
    file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/test_*.py")
    foreach(file IN LISTS files)
        string(REGEX REPLACE "^.*/test_(.*)\\.py$" "${directory}.\\1" name "${file}")
        sb_add_pytest(${name} "${file}" ${directory} COMMAND "${SB_VENV}/bin/python" ${ARGN})
    endforeach()
endfunction()

# How the package is tested: in Python's development mode, and any warning is an error.
set(SB_PYTHON_STRICT -X dev -W error)
set(SB_PACKAGE_ENVIRONMENT "PYTHONPATH=${SB_OUTPUT_DIR}/python")
if(SB_SANITIZE MATCHES address)
    # The sanitizer has to be there before Python is; and Python leaves memory behind at its end.
    execute_process(COMMAND "${CMAKE_C_COMPILER}" -print-file-name=libasan.so
        OUTPUT_VARIABLE asan OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    list(APPEND SB_PACKAGE_ENVIRONMENT "LD_PRELOAD=${asan}" "PYTHONMALLOC=malloc"
        "ASAN_OPTIONS=detect_leaks=0:strict_string_checks=1")
endif()

# sb_add_package_tests(directory): tests that import the package. What they say of behaviour holds
# for the reference too, so each file runs with it as well, as reference.<name>; tests marked
# `ours` are left out there, and so are files of which all is.
function(sb_add_package_tests directory)
    if(NOT TARGET simplebroker_python OR NOT TARGET broker)
        return()
    endif()
    file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/test_*.py")
    foreach(file IN LISTS files)
        string(REGEX REPLACE "^.*/test_(.*)\\.py$" "\\1" name "${file}")
        sb_add_pytest(${directory}.${name} "${file}" ${directory}
            COMMAND "${SB_VENV}/bin/python" ${SB_PYTHON_STRICT}
            ENVIRONMENT ${SB_PACKAGE_ENVIRONMENT})
        file(STRINGS "${file}" all_ours REGEX "^pytestmark = .*pytest\\.mark\\.ours")
        if(NOT all_ours AND NOT SB_SANITIZE)
            sb_add_pytest(reference.${name} "${file}" reference
                COMMAND "${SB_REFERENCE}/bin/python")
        endif()
    endforeach()
endfunction()

# sb_add_python_command_tests(file...): files of cli/, on `python -m simplebroker`. It is the same
# command with other streams and starts slowly, so a few stand for all.
function(sb_add_python_command_tests)
    if(NOT TARGET simplebroker_python OR NOT TARGET broker OR SB_SANITIZE)
        return()
    endif()
    set(command "${CMAKE_CURRENT_BINARY_DIR}/python-broker")
    file(CONFIGURE OUTPUT "${command}" @ONLY CONTENT [=[#!/bin/sh
PYTHONPATH="@SB_OUTPUT_DIR@/python" exec "@SB_VENV@/bin/python" -m simplebroker "$@"
]=])
    file(CHMOD "${command}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    foreach(name IN LISTS ARGN)
        sb_add_pytest(python.cli.${name} "${CMAKE_CURRENT_SOURCE_DIR}/cli/test_${name}.py" python
            COMMAND "${SB_VENV}/bin/python" ENVIRONMENT "BROKER_BIN=${command}" "ORACLE=0")
    endforeach()
endfunction()
