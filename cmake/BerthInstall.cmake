# cmake --install: the library for find_package(berth) and pkg-config, the tool, its pages and completions.
include(CMakePackageConfigHelpers)

set(berth_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/berth")
get_property(berth_exported_targets GLOBAL PROPERTY BERTH_EXPORTED)

install(TARGETS ${berth_exported_targets} EXPORT berthTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT berthTargets NAMESPACE berth:: DESTINATION "${berth_cmake_dir}" COMPONENT library)
install(DIRECTORY stack/include/berth DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

configure_package_config_file(cmake/berthConfig.cmake.in "${PROJECT_BINARY_DIR}/berthConfig.cmake"
                              INSTALL_DESTINATION "${berth_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/berthConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/berthConfig.cmake" "${PROJECT_BINARY_DIR}/berthConfigVersion.cmake"
        DESTINATION "${berth_cmake_dir}" COMPONENT library)

# pkg-config wants the archives from the top layer down.
set(berth_pc_libs "")
foreach(target IN LISTS berth_exported_targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    string(PREPEND berth_pc_libs "-l${target} ")
  endif()
endforeach()
string(STRIP "${berth_pc_libs}" berth_pc_libs)
# From where berth.pc lies back to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH berth_pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" berth_pc_to_prefix "${berth_pc_to_prefix}")
configure_file(cmake/berth.pc.in "${PROJECT_BINARY_DIR}/berth.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/berth.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT library)

if(TARGET berth_tool)
  install(TARGETS berth_tool RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tool)
endif()
foreach(section IN ITEMS 1 3 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/apps/man/*.${section}")
  install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT tool)
endforeach()
set(completions "${PROJECT_SOURCE_DIR}/apps/completions")
if(EXISTS "${completions}/berth.bash")
  install(FILES "${completions}/berth.bash" RENAME berth
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT tool)
endif()
if(EXISTS "${completions}/_berth")
  install(FILES "${completions}/_berth"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" COMPONENT tool)
endif()
if(EXISTS "${completions}/berth.fish")
  install(FILES "${completions}/berth.fish"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT tool)
endif()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT library)
