# The headers that most files read, compiled once for each kind of target: 1 to 4 seconds of each
# file's 3 to 20. Off in `dev` and `release`, so that a file which forgets an #include still fails to
# compile there. Asio, Beast and CLI11 are there for the upper layers only: the lower ones do not
# link them.
set(PLAYHEAD_PRECOMPILED
    <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <deque> <expected> <functional>
    <future> <map> <memory> <mutex> <optional> <span> <string> <string_view> <thread> <unordered_map>
    <utility> <variant> <vector>)

set(PLAYHEAD_PRECOMPILED_UPPER <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>
                               <boost/asio/strand.hpp> <boost/beast/http.hpp> <CLI/CLI.hpp>)

function(playhead_precompile name)
  set(empty ${CMAKE_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${empty} CONTENT "")
  add_library(${name} OBJECT ${empty})
  target_link_libraries(${name} PRIVATE playhead_flags)
  # Without it each build's precompiled header differs, and ccache never hits.
  target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

if(PLAYHEAD_PRECOMPILE)
  playhead_precompile(playhead_precompiled ${PLAYHEAD_PRECOMPILED})
  playhead_precompile(playhead_precompiled_upper ${PLAYHEAD_PRECOMPILED} ${PLAYHEAD_PRECOMPILED_UPPER})
  set_target_properties(playhead_precompiled_upper PROPERTIES PLAYHEAD_UNOPTIMISED ON)
  if(PLAYHEAD_TESTS)
    playhead_precompile(playhead_precompiled_tests ${PLAYHEAD_PRECOMPILED} <gtest/gtest.h>
                        <rapidcheck.h> <rapidcheck/gtest.h>)
    target_link_libraries(playhead_precompiled_tests PRIVATE GTest::gtest)
    set_target_properties(playhead_precompiled_tests PROPERTIES PLAYHEAD_UNOPTIMISED ON)
  endif()
endif()

# Compiles `target` with the precompiled headers of `from`.
function(playhead_precompiled target from)
  if(PLAYHEAD_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()
