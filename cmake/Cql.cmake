# The CQL driver (drivers/cql): a Rust crate as a static library, built by cargo from its lock file.
# All presets share one: it is the same for each, and cargo sees itself what has changed.
if(NOT PLAYHEAD_CASSANDRA)
  return()
endif()

set(cql_rust_min 1.89)
find_program(CARGO cargo)
if(NOT CARGO)
  message(FATAL_ERROR "PLAYHEAD_CASSANDRA needs cargo; script/bootstrap --tests installs it")
endif()
execute_process(COMMAND ${CARGO} --version OUTPUT_VARIABLE cql_cargo)
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" cql_rust "${cql_cargo}")
if(cql_rust VERSION_LESS cql_rust_min)
  message(FATAL_ERROR "PLAYHEAD_CASSANDRA needs Rust ${cql_rust_min} or newer; ${CARGO} is ${cql_rust}")
endif()

set(cql_source ${CMAKE_SOURCE_DIR}/drivers/cql)
set(cql_build ${CMAKE_SOURCE_DIR}/build/cargo)
set(cql_library ${cql_build}/target/release/libplayhead_cql.a)
# What cargo keeps of what it fetched lies under build/; what says where to fetch from is the user's.
set(cql_cargo_build ${CMAKE_COMMAND} -E env CARGO_HOME=${cql_build}/home ${CARGO} build --release --locked
                    --quiet --manifest-path ${cql_source}/Cargo.toml --target-dir ${cql_build}/target)
if(EXISTS $ENV{HOME}/.cargo/config.toml)
  list(APPEND cql_cargo_build --config $ENV{HOME}/.cargo/config.toml)
endif()
file(GLOB cql_sources CONFIGURE_DEPENDS ${cql_source}/src/*.rs)
add_custom_command(OUTPUT ${cql_library}
                   COMMAND ${cql_cargo_build}
                   COMMAND ${CMAKE_COMMAND} -E touch ${cql_library}
                   DEPENDS ${cql_sources} ${cql_source}/Cargo.toml ${cql_source}/Cargo.lock
                   COMMENT "cargo build of drivers/cql"
                   VERBATIM)
add_custom_target(playhead_cql_build DEPENDS ${cql_library})

add_library(playhead_cql STATIC IMPORTED GLOBAL)
set_target_properties(playhead_cql PROPERTIES IMPORTED_LOCATION ${cql_library}
                                              INTERFACE_INCLUDE_DIRECTORIES ${cql_source}/include)
add_dependencies(playhead_cql playhead_cql_build)
# What `rustc --print native-static-libs` asks for, but libc.
target_link_libraries(playhead_cql INTERFACE Threads::Threads ${CMAKE_DL_LIBS} gcc_s util rt m)
