# Tests of failing memory, disks, locks and processes, and of hostile callers. Those that share the
# table of operations name its sources.

set(SB_STAGE operations.c stage.c)

sb_add_test(allocations DIRECTORY fault SOURCES ${SB_STAGE} TIMEOUT 240)
