# What is the same for every target: the compiler's launcher, the sanitizers, the fuzzer.

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER AND PROJECT_IS_TOP_LEVEL)
  find_program(BERTH_CCACHE ccache)
  mark_as_advanced(BERTH_CCACHE)
  if(BERTH_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${BERTH_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${BERTH_CCACHE}")
  endif()
endif()

if(BERTH_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "BERTH_FUZZ needs clang (libFuzzer), not ${CMAKE_CXX_COMPILER_ID}; "
                        "use 'cmake --preset fuzz', or -DCMAKE_CXX_COMPILER=clang++")
  endif()
  if(NOT BERTH_SANITIZE)
    set(BERTH_SANITIZE "address,undefined")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(BERTH_SANITIZE)
  string(REPLACE ";" "," BERTH_SANITIZE "${BERTH_SANITIZE}")
  add_compile_options(-fsanitize=${BERTH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BERTH_SANITIZE})
endif()
