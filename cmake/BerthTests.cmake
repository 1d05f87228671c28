# The tests' own targets: one program per folder under tests/.

# Seconds after which a test is ended and has failed. 'tests/run full' runs the long variants.
set(BERTH_TEST_TIMEOUT 420)
set(BERTH_INTEROP_TIMEOUT 240)
if(BERTH_TEST_FULL)
  set(BERTH_TEST_TIMEOUT 7200)
  set(BERTH_INTEROP_TIMEOUT 3600)
endif()

# berth_test_library(FOLDER LAYERS LAYER ...): berth_FOLDER from tests/FOLDER, for other tests to link.
# Its own tests are the files called *_test.cpp.
function(berth_test_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LAYERS")
  berth_sources(sources "${PROJECT_SOURCE_DIR}/tests/${folder}")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(target berth_${folder})
  if(sources)
    add_library(${target} STATIC ${sources})
    berth_target_defaults(${target})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${target} ${scope} GTest::gtest)
  berth_link_layers(${target} ${scope} ${arg_LAYERS})
  berth_test(${folder} RING scripts HARNESS ONLY "_test\\.cpp$")
endfunction()

# berth_test(FOLDER RING LABEL [HARNESS] [LAYERS LAYER ...] [SHARDS N] [ONLY REGEX])
#   makes test_FOLDER of tests/FOLDER/**.cpp, and the target ring_LABEL builds the ring's programs.
#   SHARDS cuts the cases into N ctest tests, so that a long folder uses more than one core.
function(berth_test folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "HARNESS" "RING;SHARDS;ONLY" "LAYERS")
  berth_sources(sources "${PROJECT_SOURCE_DIR}/tests/${folder}")
  if(arg_ONLY)
    list(FILTER sources INCLUDE REGEX "${arg_ONLY}")
  endif()
  if(NOT sources)
    return()
  endif()
  set(target test_${folder})
  add_executable(${target} ${sources})
  berth_target_defaults(${target})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${target} PRIVATE BERTH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE GTest::gtest_main)
  berth_link_layers(${target} PRIVATE ${arg_LAYERS})
  if(arg_HARNESS)
    target_link_libraries(${target} PRIVATE berth_harness)
  endif()
  berth_add_to_ring(${arg_RING} ${target})

  set(shards 1)
  if(arg_SHARDS)
    set(shards ${arg_SHARDS})
  endif()
  foreach(shard RANGE 1 ${shards})
    set(name ${target})
    set(environment "")
    if(shards GREATER 1)
      set(name ${target}.${shard})
      math(EXPR index "${shard} - 1")
      set(environment "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
    endif()
    add_test(NAME ${name} COMMAND ${target} --gtest_brief=1
             "--gtest_output=xml:${PROJECT_BINARY_DIR}/test-results/${name}.xml")
    set_tests_properties(${name} PROPERTIES
      LABELS "${arg_RING};gtest" TIMEOUT ${BERTH_TEST_TIMEOUT}
      ENVIRONMENT "BERTH_SOURCE_DIR=${PROJECT_SOURCE_DIR};BERTH_BUILD_DIR=${PROJECT_BINARY_DIR};${environment}"
      WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
  endforeach()
endfunction()

function(berth_add_to_ring ring target)
  if(NOT TARGET ring_${ring})
    add_custom_target(ring_${ring})
  endif()
  add_dependencies(ring_${ring} ${target})
endfunction()

# berth_script_test(NAME LABEL COMMAND [ARGUMENT ...]): a program whose exit code 77 means skipped.
function(berth_script_test name ring)
  add_test(NAME ${name} COMMAND ${ARGN})
  set(tool "${PROJECT_BINARY_DIR}/bin/berth")
  set_tests_properties(${name} PROPERTIES
    LABELS "${ring}" SKIP_RETURN_CODE 77 TIMEOUT ${BERTH_INTEROP_TIMEOUT}
    ENVIRONMENT "BERTH=${tool};BERTH_BUILD_DIR=${PROJECT_BINARY_DIR};BERTH_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
endfunction()
