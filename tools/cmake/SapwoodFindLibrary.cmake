# Libraries without CMake files of their own that can be relied on. Installed with the package: programs
# that link the static library need them too.

# sapwood_find_library(NAMESPACE::NAME HEADER): the imported target, where the library NAME and its HEADER are
# installed; else there is no such target.
function(sapwood_find_library target header)
  if(TARGET ${target})
    return()
  endif()
  string(REPLACE "::" ";" names ${target})
  list(GET names 0 package)
  list(GET names 1 name)
  string(TOUPPER ${package} package)
  find_path(${package}_INCLUDE_DIR ${header})
  find_library(${package}_LIBRARY ${name})
  mark_as_advanced(${package}_INCLUDE_DIR ${package}_LIBRARY)
  if(${package}_INCLUDE_DIR AND ${package}_LIBRARY)
    add_library(${target} UNKNOWN IMPORTED)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION ${${package}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${${package}_INCLUDE_DIR})
  endif()
endfunction()
