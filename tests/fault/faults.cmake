# Tests of failing memory, disks, locks and processes, and of hostile callers. Those that share the
# table of operations name its sources.

set(SB_STAGE operations.c stage.c)
set(SB_FAULTY_VFS faulty_vfs.c power.c)

sb_add_test(allocations DIRECTORY fault SOURCES ${SB_STAGE} TIMEOUT 240)
sb_add_test(io_errors DIRECTORY fault SOURCES ${SB_STAGE} ${SB_FAULTY_VFS} TIMEOUT 240)
