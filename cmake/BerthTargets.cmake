# One folder, one target. Sources are globbed with CONFIGURE_DEPENDS, so a new file is picked up by the
# next build; a folder with headers only becomes an INTERFACE library, and one without files no target.

set(BERTH_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(BERTH_WERROR)
  list(APPEND BERTH_WARNINGS -Werror)
endif()

# Warnings, for berth's own targets and nobody else's.
function(berth_target_defaults target)
  target_compile_options(${target} PRIVATE ${BERTH_WARNINGS})
endfunction()

# berth_link_layers(TARGET PUBLIC|PRIVATE|INTERFACE LAYER ...): those layers that exist.
function(berth_link_layers target scope)
  foreach(layer IN LISTS ARGN)
    if(TARGET berth_${layer})
      target_link_libraries(${target} ${scope} berth_${layer})
    endif()
  endforeach()
endfunction()

function(berth_exported target)
  set_property(GLOBAL APPEND PROPERTY BERTH_EXPORTED ${target})
endfunction()

# berth_layer(NAME [FLAT] [FOLDER DIR] [EXCLUDE REGEX] [DEPENDS LAYER ...] [LIBRARIES TARGET ...])
#   FLAT        only the folder's own files, not those of its subfolders
#   FOLDER      where the files are, if not in the current folder
#   EXCLUDE     leave out files whose path matches
#   DEPENDS     the layers that this one may use; those under them come along
#   LIBRARIES   what it needs from outside the project
function(berth_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FLAT" "FOLDER;EXCLUDE" "DEPENDS;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "berth_layer(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}")
  if(arg_FOLDER)
    set(folder "${arg_FOLDER}")
  endif()
  set(glob GLOB_RECURSE)
  if(arg_FLAT)
    set(glob GLOB)
  endif()
  file(${glob} sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  file(${glob} headers CONFIGURE_DEPENDS "${folder}/*.hpp" "${folder}/*.h")
  if(arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
    list(FILTER headers EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  if(NOT sources AND NOT headers)
    return()
  endif()

  set(target berth_${name})
  if(sources)
    add_library(${target} STATIC ${sources} ${headers})
    set(scope PUBLIC)
    berth_target_defaults(${target})
    target_link_libraries(${target} PRIVATE ${arg_LIBRARIES})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${arg_LIBRARIES})
  endif()
  add_library(berth::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${scope} cxx_std_20)
  # Only stack/include is for users; the other two are how berth's own files name each other.
  target_include_directories(${target} ${scope}
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/stack/include>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/stack>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  berth_link_layers(${target} ${scope} ${arg_DEPENDS})
  berth_exported(${target})
  set_property(GLOBAL APPEND PROPERTY BERTH_LAYERS ${name})
endfunction()

# The sources under a folder that may not exist (yet).
function(berth_sources variable folder)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS "${folder}/*.cpp")
  set(${variable} "${found}" PARENT_SCOPE)
endfunction()
