# Run at build time by BerthBuildInfo.cmake: cmake -DSOURCE_DIR=... -DOUTPUT=... -P this.
set(COMMIT "")
execute_process(COMMAND git -C "${SOURCE_DIR}" rev-parse HEAD
                OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(COMMIT "unknown")
else()
  execute_process(COMMAND git -C "${SOURCE_DIR}" status --porcelain --untracked-files=no
                  OUTPUT_VARIABLE changes ERROR_QUIET)
  if(changes)
    string(APPEND COMMIT "+changes")
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY NEWLINE_STYLE UNIX CONTENT [[
// Written by cmake/write_build_info.cmake at each build.
#pragma once

namespace berth::build_info {

inline constexpr const char* kVersion = "@VERSION@";
inline constexpr const char* kCompiler = "@COMPILER@";
inline constexpr const char* kFlags = "@FLAGS@";
inline constexpr const char* kBuildType = "@BUILD_TYPE@";
inline constexpr const char* kCommit = "@COMMIT@";

}  // namespace berth::build_info
]])
