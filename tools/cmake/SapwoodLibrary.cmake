# sapwood::engine, the one library that other projects link: the objects of all parts, static or shared as
# BUILD_SHARED_LIBS says. Its interface is the public headers alone. The tests and the command line tool read private
# headers too and link the parts themselves, whose symbols a shared library hides.
get_target_property(objects sapwood_kernels SAPWOOD_ISAS)
list(TRANSFORM objects PREPEND sapwood_kernels_)
list(APPEND objects sapwood_kernels sapwood_base sapwood_tokenizer sapwood_engine)
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
# (The target is not named sapwood, as the program in the build folder is.)
add_library(sapwood_library ${objects})
add_library(sapwood::engine ALIAS sapwood_library)
sapwood_target(sapwood_library)

set(SAPWOOD_PUBLIC_HEADERS
  ${PROJECT_SOURCE_DIR}/engine/base/include
  ${PROJECT_SOURCE_DIR}/tokenizer/include
  ${PROJECT_SOURCE_DIR}/engine/include
  ${PROJECT_BINARY_DIR}/include)  # version.h
target_include_directories(sapwood_library INTERFACE "$<BUILD_INTERFACE:${SAPWOOD_PUBLIC_HEADERS}>")
target_compile_features(sapwood_library INTERFACE cxx_std_20)
target_link_libraries(sapwood_library PRIVATE ${SAPWOOD_LIBRARIES} Threads::Threads)

# Until version 1 a new minor version may change the binary interface.
set_target_properties(sapwood_library PROPERTIES
  EXPORT_NAME engine
  OUTPUT_NAME sapwood
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(BUILD_SHARED_LIBS)
  # Hidden visibility leaves what the standard library's headers declare visible.
  set(exports ${PROJECT_SOURCE_DIR}/tools/cmake/exports.map)
  target_link_options(sapwood_library PRIVATE -Wl,--version-script=${exports})
  set_target_properties(sapwood_library PROPERTIES LINK_DEPENDS ${exports})
  if(NOT SAPWOOD_SANITIZE)
    target_link_options(sapwood_library PRIVATE -Wl,--no-undefined)
  endif()
endif()
