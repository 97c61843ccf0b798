# What `install` leaves: header, libraries, command, pkg-config file, CMake package, manual page,
# completions.

include(CMakePackageConfigHelpers)
set(SB_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/simplebroker")

install(FILES core/include/simplebroker.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS simplebroker simplebroker_static EXPORT simplebroker
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

install(EXPORT simplebroker NAMESPACE simplebroker:: DESTINATION "${SB_PACKAGE_DIR}"
    FILE simplebroker-config.cmake)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/simplebroker-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/simplebroker-config-version.cmake"
    DESTINATION "${SB_PACKAGE_DIR}")

# Written at install time, when the prefix is final.
install(CODE "
    set(SB_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
    set(SB_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
    set(SB_VERSION \"${PROJECT_VERSION}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/cmake/simplebroker.pc.in\"
        \"${CMAKE_BINARY_DIR}/simplebroker.pc\" @ONLY)")
install(FILES "${CMAKE_BINARY_DIR}/simplebroker.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(TARGET broker)
    install(TARGETS broker RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    file(CREATE_LINK broker "${CMAKE_BINARY_DIR}/simplebroker" SYMBOLIC)
    install(FILES "${CMAKE_BINARY_DIR}/simplebroker" DESTINATION "${CMAKE_INSTALL_BINDIR}")

    install(FILES docs/man/broker.1 docs/man/simplebroker.1
        DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
    foreach(name IN ITEMS broker simplebroker)
        install(FILES docs/completions/broker.bash RENAME ${name}
            DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
    endforeach()
    install(FILES docs/completions/_broker
        DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
    foreach(name IN ITEMS broker simplebroker)
        install(FILES docs/completions/broker.fish RENAME ${name}.fish
            DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
    endforeach()
endif()
