# sapwood_test(PART SOURCES ... LIBRARIES ...): the Catch2 program test_PART and its ctest tests.

# Compiling Catch2 2's main takes seconds, so all programs share one object.
if(TARGET Catch2::Catch2WithMain)
  add_library(sapwood_test_main INTERFACE)
  target_link_libraries(sapwood_test_main INTERFACE Catch2::Catch2WithMain)
  set(sapwood_test_arguments)
else()
  # With Catch2 2 a name that fits no test (one with a semicolon, which CMake cuts in two) would pass.
  set(sapwood_test_arguments EXTRA_ARGS --warn NoTests)
  add_library(sapwood_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/main.cc)
  target_link_libraries(sapwood_test_main PUBLIC Catch2::Catch2)
  sapwood_target(sapwood_test_main)
endif()

include(Catch)

function(sapwood_test part)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(test_${part} ${ARG_SOURCES})
  target_include_directories(test_${part} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${part} PRIVATE sapwood_test_main ${ARG_LIBRARIES})
  target_compile_definitions(test_${part} PRIVATE SAPWOOD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  sapwood_target(test_${part})
  # Most of a test's compile time is Catch2's header (and the JSON library's).
  target_precompile_headers(test_${part} PRIVATE ${PROJECT_SOURCE_DIR}/tests/catch.h)
  if("nlohmann_json::nlohmann_json" IN_LIST ARG_LIBRARIES)
    target_precompile_headers(test_${part} PRIVATE <nlohmann/json.hpp>)
  endif()
  catch_discover_tests(test_${part} TEST_PREFIX "${part}:" ${sapwood_test_arguments}
    PROPERTIES LABELS ${part} TIMEOUT 600)
endfunction()
