# Tests of failing memory, disks, locks and processes, and of hostile callers. Those that share the
# table of operations name its sources.

set(SB_STAGE operations.c stage.c)
set(SB_FAULTY_VFS faulty_vfs.c power.c)

sb_add_test(allocations DIRECTORY fault SOURCES ${SB_STAGE} ${SB_FAULTY_VFS} TIMEOUT 240)
sb_add_test(io_errors DIRECTORY fault SOURCES ${SB_STAGE} ${SB_FAULTY_VFS} TIMEOUT 240)
sb_add_test(kill DIRECTORY fault SOURCES ${SB_FAULTY_VFS})
sb_add_test(threads DIRECTORY fault THREADS)
sb_add_test(bad_input DIRECTORY fault SOURCES bad_input.c bad_calls.c ${SB_STAGE} VALGRIND)
sb_add_test(hostile_files DIRECTORY fault SOURCES ${SB_FAULTY_VFS})

# Wake-ups. The order of steps is tried with the calls that begin them led through the test, which
# takes a linker that can do that.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT SB_SANITIZE MATCHES thread)
    sb_add_test(wake_order DIRECTORY fault SOURCES turnstile.c)
    foreach(call IN ITEMS pthread_mutex_lock fcntl64 inotify_init1 inotify_add_watch ppoll
            __ppoll_chk read pwrite64 futimens sqlite3_step clock_gettime)
        target_link_options(test_wake_order PRIVATE "LINKER:--wrap=${call}")
    endforeach()
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    sb_add_test(wake_faults DIRECTORY fault)
    sb_add_test(wake_torture DIRECTORY fault)
    target_link_options(test_wake_torture PRIVATE
        "LINKER:--wrap=inotify_add_watch" "LINKER:--wrap=pwrite64")
endif()

# The suite on a database that seems busy: busy.<test> runs a test's program with some of SQLite's
# locks refused; busy.cli.<file> does it to the command. Left out: programs that count locks and
# checkpoints themselves, or look at sizes that only a checkpoint changes.
set(SB_NOT_BUSY vfs checkpoint vacuum)
set(SB_BUSY_CLI messages queues dump_load)

function(sb_add_busy_tests)
    get_property(tests DIRECTORY PROPERTY TESTS)
    foreach(test IN LISTS tests)
        string(REGEX REPLACE "^core\\." "" name "${test}")
        if(TARGET test_${name} AND test MATCHES "^core\\." AND NOT name IN_LIST SB_NOT_BUSY)
            add_test(NAME busy.${name} COMMAND test_${name})
            set_tests_properties(busy.${name} PROPERTIES LABELS "busy"
                TIMEOUT "${SB_TEST_TIMEOUT}" ENVIRONMENT "LD_PRELOAD=$<TARGET_FILE:sb_busy>")
        endif()
    endforeach()
    foreach(name IN LISTS SB_BUSY_CLI)
        if(TARGET broker)
            add_test(NAME busy.cli.${name} COMMAND "${SB_VENV}/bin/python" -m pytest -q
                "${PROJECT_SOURCE_DIR}/tests/cli/test_${name}.py")
            set_tests_properties(busy.cli.${name} PROPERTIES LABELS "busy" TIMEOUT 600
                ENVIRONMENT "${SB_PYTEST_ENVIRONMENT};SB_PRELOAD=$<TARGET_FILE:sb_busy>"
                FIXTURES_REQUIRED "python;reference")
        endif()
    endforeach()
endfunction()

if(NOT SB_SANITIZE AND NOT APPLE)
    list(TRANSFORM SB_FAULTY_VFS PREPEND fault/ OUTPUT_VARIABLE sb_busy_sources)
    add_library(sb_busy MODULE fault/busy_preload.c ${sb_busy_sources})
    target_link_libraries(sb_busy PRIVATE sb_flags sb_sqlite3)
    cmake_language(DEFER CALL sb_add_busy_tests)
endif()
