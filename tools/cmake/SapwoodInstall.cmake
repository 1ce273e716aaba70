# What cmake --install and cpack give: the component "runtime" (the program, the models, a shared library) and the
# component "dev" (headers, a static library, what find_package and pkg-config read).
include(CMakePackageConfigHelpers)

if(SAPWOOD_BUILD_TOOLS)
  install(TARGETS sapwood_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/sapwood/models COMPONENT runtime
    FILES_MATCHING PATTERN "*.json" PATTERN "*.safetensors" PATTERN "*.txt" PATTERN "*.md" PATTERN recipes EXCLUDE)
endif()

include(SapwoodSbom)

# The library needs what it is linked with, which was not installed where it was fetched.
if(SAPWOOD_FETCHED_LIBRARIES)
  message(STATUS "The library and its headers are not installed, because ${SAPWOOD_FETCHED_LIBRARIES} is not")
  return()
endif()
set(SAPWOOD_INSTALLS_LIBRARY ON)

install(TARGETS sapwood_library EXPORT sapwood
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(folder ${SAPWOOD_PUBLIC_HEADERS})
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")
endforeach()

# find_package(sapwood).
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/sapwood)
if(BUILD_SHARED_LIBS)
  set(SAPWOOD_STATIC OFF)
else()
  set(SAPWOOD_STATIC ON)
  install(FILES ${PROJECT_SOURCE_DIR}/tools/cmake/SapwoodFindLibrary.cmake DESTINATION ${package} COMPONENT dev)
endif()
configure_file(${PROJECT_SOURCE_DIR}/tools/cmake/sapwood-config.cmake.in ${PROJECT_BINARY_DIR}/sapwood-config.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sapwood-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sapwood-config.cmake ${PROJECT_BINARY_DIR}/sapwood-config-version.cmake
  DESTINATION ${package} COMPONENT dev)
install(EXPORT sapwood NAMESPACE sapwood:: FILE sapwood-targets.cmake DESTINATION ${package} COMPONENT dev)

# pkg-config sapwood. There is one library, static or shared, so that --static makes no difference: a static one always
# needs the libraries that it uses, a shared one never.
file(RELATIVE_PATH SAPWOOD_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" SAPWOOD_PREFIX ${SAPWOOD_PREFIX})
set(SAPWOOD_PC_LIBRARIES "")
if(SAPWOOD_STATIC)
  list(TRANSFORM SAPWOOD_LIBRARIES REPLACE "(.+)" "-L$<TARGET_LINKER_FILE_DIR:\\1>" OUTPUT_VARIABLE folders)
  list(TRANSFORM SAPWOOD_LIBRARY_NAMES PREPEND -l OUTPUT_VARIABLE names)
  set(SAPWOOD_PC_LIBRARIES "$<JOIN:$<REMOVE_DUPLICATES:${folders}>;${names};-pthread, >")
endif()
configure_file(${PROJECT_SOURCE_DIR}/tools/cmake/sapwood.pc.in ${PROJECT_BINARY_DIR}/sapwood.pc.in @ONLY)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/sapwood.pc INPUT ${PROJECT_BINARY_DIR}/sapwood.pc.in)
install(FILES ${PROJECT_BINARY_DIR}/sapwood.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

if(PROJECT_IS_TOP_LEVEL)
  include(SapwoodPackage)
endif()
