# Installs into a scratch directory and uses what is there as a stranger would: through CMake and
# pkg-config, and the command by both of its names.
# Run with -DBINARY_DIR= -DSCRATCH= -DCONSUMER= -DCC= -DGENERATOR= -DLIBDIR= -DSANITIZE= -DVERSION=

function(run out)
    execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text ERROR_VARIABLE errors
        RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}: ${result}\n${text}\n${errors}")
    endif()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(flags "")
if(SANITIZE)
    set(flags "-fsanitize=${SANITIZE}")
endif()
set(prefix "${SCRATCH}/prefix")
file(REMOVE_RECURSE "${SCRATCH}")
run(ignored "${CMAKE_COMMAND}" --install "${BINARY_DIR}" --prefix "${prefix}")

foreach(file IN ITEMS
    include/simplebroker.h ${LIBDIR}/libsimplebroker.so ${LIBDIR}/libsimplebroker.so.0
    ${LIBDIR}/libsimplebroker.a ${LIBDIR}/pkgconfig/simplebroker.pc bin/broker bin/simplebroker
    share/man/man1/broker.1 share/man/man1/simplebroker.1
    share/bash-completion/completions/broker share/zsh/site-functions/_broker
    share/fish/vendor_completions.d/broker.fish)
    if(NOT EXISTS "${prefix}/${file}")
        message(FATAL_ERROR "not installed: ${file}")
    endif()
endforeach()

run(ignored "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${SCRATCH}/consumer" -G "${GENERATOR}"
    "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_C_COMPILER=${CC}" "-DCMAKE_C_FLAGS=${flags}")
run(ignored "${CMAKE_COMMAND}" --build "${SCRATCH}/consumer")
run(shared "${SCRATCH}/consumer/with_shared")
run(static "${SCRATCH}/consumer/with_static")

set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
run(options pkg-config --cflags --libs simplebroker)
separate_arguments(options UNIX_COMMAND "${options}")
run(ignored "${CC}" ${flags} "${CONSUMER}/main.c" -o "${SCRATCH}/with_pkg_config" ${options}
    "-Wl,-rpath,${prefix}/${LIBDIR}")
run(packaged "${SCRATCH}/with_pkg_config")
run(modversion pkg-config --modversion simplebroker)

foreach(answer IN ITEMS "${shared}" "${static}" "${packaged}" "${modversion}")
    if(NOT answer STREQUAL VERSION)
        message(FATAL_ERROR "expected version ${VERSION}, got '${answer}'")
    endif()
endforeach()

run(one "${prefix}/bin/broker" --version)
run(two "${prefix}/bin/simplebroker" --version)
if(NOT one STREQUAL two OR NOT one MATCHES "^simplebroker [0-9.]+$")
    message(FATAL_ERROR "broker says '${one}', simplebroker says '${two}'")
endif()
