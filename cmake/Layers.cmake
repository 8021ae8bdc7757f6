# The house's one-way rule: a layer's files may include only their own layer and the layers named
# before it in PLAYHEAD_LAYERS. An adapter (src/<port>/<name>/) is a library of its own that only
# cli/, sim/ and tests link. sim/ sees everything and is linked by tests only.

# Fails the configure step if a file of `folder` includes a module that is not in `allowed`.
function(playhead_check_includes folder allowed)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.h ${folder}/*.cc)
  foreach(file ${files})
    file(STRINGS ${file} includes REGEX "^#include \"[a-z_]+/")
    foreach(line ${includes})
      string(REGEX REPLACE "^#include \"([a-z_]+)/.*" "\\1" module ${line})
      if(NOT module IN_LIST allowed)
        message(FATAL_ERROR "${file} includes ${module}/, which its layer may not use: ${line}")
      endif()
    endforeach()
  endforeach()
endfunction()

# The layers in which a simulated world spends little or no time: where tests are built they are
# compiled faster rather than well.
set(PLAYHEAD_UPPER_LAYERS service auth http config cli)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/runtime/asio.cc PROPERTIES COMPILE_OPTIONS -O0
                                                                      SKIP_PRECOMPILE_HEADERS ON)
endif()

# The library of one folder, from its sources but the tests; header-only if it has none.
function(playhead_library name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|_bench\\.cc$|/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC playhead_flags ${ARGN})
    string(REGEX REPLACE "^playhead_" "" layer ${name})
    if(layer IN_LIST PLAYHEAD_UPPER_LAYERS)
      set_target_properties(${name} PROPERTIES PLAYHEAD_UNOPTIMISED ON)
      playhead_precompiled(${name} playhead_precompiled_upper)
    else()
      playhead_precompiled(${name} playhead_precompiled)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE playhead_flags ${ARGN})
  endif()
endfunction()

# The libraries whose tests run more than one thread; the thread sanitizer has no use for others.
set(PLAYHEAD_THREADED playhead_journal_rocksdb playhead_store_rocksdb playhead_cluster playhead_cache
    playhead_auth playhead_http playhead_cli)

# The test program of one folder, from the *_test.cc files beside its code.
function(playhead_tests name folder)
  file(GLOB tests CONFIGURE_DEPENDS ${folder}/*_test.cc)
  if(PLAYHEAD_SANITIZE MATCHES "thread" AND NOT name IN_LIST PLAYHEAD_THREADED)
    return()
  endif()
  if(PLAYHEAD_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${ARGN} GTest::gtest_main ${RAPIDCHECK})
    playhead_precompiled(${name}_test playhead_precompiled_tests)
    set_target_properties(${name}_test PROPERTIES PLAYHEAD_UNOPTIMISED ON)
    # One ctest entry a program: a process for each of hundreds of tests costs more than the tests.
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
endfunction()

function(playhead_layers)
  set(before "")
  set(libraries "")
  foreach(layer ${PLAYHEAD_LAYERS})
    set(folder ${CMAKE_SOURCE_DIR}/src/${layer})
    list(APPEND before ${layer})
    if(NOT EXISTS ${folder})
      continue()
    endif()
    playhead_check_includes(${folder} "${before}")
    playhead_library(playhead_${layer} ${folder} ${libraries})
    playhead_tests(playhead_${layer} ${folder})
    list(PREPEND libraries playhead_${layer})
    if(EXISTS ${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
  # One thread plays a simulated world.
  if(PLAYHEAD_TESTS AND NOT PLAYHEAD_SANITIZE MATCHES "thread")
    add_subdirectory(src/sim)
  endif()
  if(PLAYHEAD_TESTS)
    add_subdirectory(fuzz)
  endif()
  add_subdirectory(bench)
endfunction()
