# Everything comes from Debian 12's packages; script/bootstrap installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(simdjson REQUIRED)
find_package(RocksDB REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)

# One set of flags for all of our code.
add_library(playhead_flags INTERFACE)
target_include_directories(playhead_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(playhead_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                                -Wno-missing-designated-field-initializers
                                                -Werror -fno-omit-frame-pointer)
target_compile_definitions(playhead_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
                                                    BOOST_BEAST_SEPARATE_COMPILATION SPDLOG_COMPILED_LIB
                                                    SPDLOG_FMT_EXTERNAL)
target_link_options(playhead_flags INTERFACE -fuse-ld=lld-19)
target_link_libraries(playhead_flags INTERFACE Threads::Threads)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Line tables are enough for a stack trace, and halve the time and size of a build.
  # Optimising costs half of the time that compiling takes, and only the simulation's 1,000 worlds
  # need it: Layers.cmake says which targets are compiled as they are written.
  target_compile_options(playhead_flags INTERFACE
                         -g1 $<IF:$<BOOL:$<TARGET_PROPERTY:PLAYHEAD_UNOPTIMISED>>,-O0,-O1>)
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(playhead_flags INTERFACE -O2 -g1)
endif()
if(PLAYHEAD_SANITIZE)
  target_compile_options(playhead_flags INTERFACE -fsanitize=${PLAYHEAD_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(playhead_flags INTERFACE -fsanitize=${PLAYHEAD_SANITIZE})
endif()
if(PLAYHEAD_TESTS)
  find_package(GTest REQUIRED)
  find_library(RAPIDCHECK rapidcheck REQUIRED)
endif()
