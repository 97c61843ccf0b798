# What the lists of core/ and tests/ are written with.

# Everything that a program inside the house needs to use core/src, as the C tests do.
add_library(sb_internal INTERFACE)
target_link_libraries(sb_internal INTERFACE
    simplebroker_static sb_flags sb_sqlite3 PkgConfig::JANSSON Threads::Threads)
target_include_directories(sb_internal INTERFACE "${PROJECT_SOURCE_DIR}/core/src")

# sb_export_list(target header): the shared library exports what the header marks SB_EXTERN, only.
function(sb_export_list target header)
    set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}.exports")
    if(APPLE)
        set(format darwin)
        set(option "LINKER:-exported_symbols_list,${list}")
    else()
        set(format gnu)
        set(option "LINKER:--version-script=${list}")
    endif()
    add_custom_command(OUTPUT "${list}"
        COMMAND "${CMAKE_COMMAND}" -DHEADER=${header} -DFORMAT=${format} -DOUTPUT=${list}
            -P "${PROJECT_SOURCE_DIR}/cmake/ExportList.cmake"
        DEPENDS "${header}" "${PROJECT_SOURCE_DIR}/cmake/ExportList.cmake"
        COMMENT "Listing the exported functions of the header" VERBATIM)
    target_sources(${target} PRIVATE "${list}")
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${list}")
    target_link_options(${target} PRIVATE "${option}")
endfunction()
