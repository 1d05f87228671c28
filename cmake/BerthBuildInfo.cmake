# berth_add_build_info(TARGET): TARGET may include "berth_build_info.hpp", which says what built it and from
# which commit. It is looked up at each build and written only when it changed.
function(berth_add_build_info target)
  set(folder "${PROJECT_BINARY_DIR}/generated")
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}" flags)
  if(BERTH_SANITIZE)
    string(APPEND flags " -fsanitize=${BERTH_SANITIZE}")
  endif()
  add_custom_target(${target}_build_info
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" "-DOUTPUT=${folder}/berth_build_info.hpp"
            "-DVERSION=${PROJECT_VERSION}" "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
            "-DFLAGS=${flags}" "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}"
            -P "${PROJECT_SOURCE_DIR}/cmake/write_build_info.cmake"
    BYPRODUCTS "${folder}/berth_build_info.hpp"
    COMMENT "" VERBATIM)
  add_dependencies(${target} ${target}_build_info)
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
