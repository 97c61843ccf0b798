# The libraries we stand on: SQLite (the system's shared one, unless told otherwise) and jansson.
# Two copies of SQLite in one process break each other's file locks, so never a private static copy.

find_package(PkgConfig REQUIRED)

add_library(sb_sqlite3 INTERFACE)
if(SB_SQLITE3_ROOT)
    find_path(SB_SQLITE3_INCLUDE_DIR sqlite3.h PATHS "${SB_SQLITE3_ROOT}"
        PATH_SUFFIXES include NO_DEFAULT_PATH REQUIRED)
    find_library(SB_SQLITE3_LIBRARY sqlite3 PATHS "${SB_SQLITE3_ROOT}"
        PATH_SUFFIXES "${CMAKE_INSTALL_LIBDIR}" lib NO_DEFAULT_PATH REQUIRED)
    target_include_directories(sb_sqlite3 INTERFACE "${SB_SQLITE3_INCLUDE_DIR}")
    target_link_libraries(sb_sqlite3 INTERFACE "${SB_SQLITE3_LIBRARY}")
    set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
else()
    find_package(SQLite3 3.35 REQUIRED)
    target_link_libraries(sb_sqlite3 INTERFACE SQLite::SQLite3)
endif()

pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.10)
