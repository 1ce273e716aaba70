# sapwood.cdx.json: what is inside the program and the library, in the CycloneDX format (version 1.5), for whoever has to know
# which builds a flaw in a library concerns. Versions are those that this build found; no time is in it, so that
# the same build gives the same file. tests/package/check compares it with what the program is linked with.

# sapwood_version(VARIABLE HEADER MACRO...): the version that macros of a library's header say, their numbers joined by dots.
function(sapwood_version variable header)
  set(numbers "")
  foreach(macro ${ARGN})
    if(EXISTS "${header}")
      file(STRINGS "${header}" line REGEX "#[ \t]*define[ \t]+${macro}[ \t]" LIMIT_COUNT 1)
      if("${line}" MATCHES "${macro}[ \t]+\"?([0-9][0-9.]*)")
        list(APPEND numbers ${CMAKE_MATCH_1})
      endif()
    endif()
  endforeach()
  string(REPLACE ";" "." numbers "${numbers}")
  set(${variable} "${numbers}" PARENT_SCOPE)
endfunction()

# sapwood_component(NAME LIBRARY REPOSITORY LICENCE VERSION): one more entry of SAPWOOD_COMPONENTS. LIBRARY begins the names of the
# shared libraries it is linked by, or is empty for headers alone; VERSION may be empty where it was fetched.
function(sapwood_component name library repository licence version)
  if(SAPWOOD_COMMIT_${name})
    set(version ${SAPWOOD_COMMIT_${name}})
  elseif(NOT version)
    set(version unknown)
  endif()
  set(properties "")
  foreach(one ${library})
    list(APPEND properties "{\"name\": \"sapwood:linked\", \"value\": \"${one}\"}")
  endforeach()
  list(JOIN properties ", " properties)
  set(entry "    {\"type\": \"library\", \"bom-ref\": \"${name}\", \"name\": \"${name}\", \"version\": \"${version}\",
     \"licenses\": [{\"license\": {\"id\": \"${licence}\"}}], \"purl\": \"pkg:github/${repository}@${version}\",
     \"properties\": [${properties}]}")
  set(SAPWOOD_COMPONENTS ${SAPWOOD_COMPONENTS} "${entry}" PARENT_SCOPE)
endfunction()

sapwood_version(zip_version "${LIBZIP_INCLUDE_DIR}/zipconf.h" LIBZIP_VERSION)
sapwood_version(utf8proc_version "${UTF8PROC_INCLUDE_DIR}/utf8proc.h" UTF8PROC_VERSION_MAJOR UTF8PROC_VERSION_MINOR UTF8PROC_VERSION_PATCH)
sapwood_version(onig_version "${ONIGURUMA_INCLUDE_DIR}/oniguruma.h" ONIGURUMA_VERSION_MAJOR ONIGURUMA_VERSION_MINOR ONIGURUMA_VERSION_TEENY)

set(SAPWOOD_COMPONENTS "")
sapwood_component(xsimd "" xtensor-stack/xsimd BSD-3-Clause "${xsimd_VERSION}")
sapwood_component(simdjson libsimdjson simdjson/simdjson Apache-2.0 "${simdjson_VERSION}")
sapwood_component(libzip libzip nih-at/libzip BSD-3-Clause "${zip_version}")
sapwood_component(utf8proc libutf8proc JuliaStrings/utf8proc MIT "${utf8proc_version}")
sapwood_component(oniguruma libonig kkos/oniguruma BSD-2-Clause "${onig_version}")
set(openssl_licence Apache-2.0)
if(OPENSSL_VERSION VERSION_LESS 3)
  set(openssl_licence OpenSSL)
endif()
sapwood_component(openssl "libcrypto;libssl" openssl/openssl ${openssl_licence} "${OPENSSL_VERSION}")
if(SAPWOOD_ONEDNN)
  sapwood_component(dnnl libdnnl uxlfoundation/oneDNN Apache-2.0 "${dnnl_VERSION}")
endif()
if(SAPWOOD_BUILD_TOOLS)
  sapwood_component(CLI11 "" CLIUtils/CLI11 BSD-3-Clause "${CLI11_VERSION}")
  if(SAPWOOD_SERVE)
    sapwood_component(Boost "" boostorg/boost BSL-1.0 "${Boost_VERSION}")
  endif()
endif()
list(JOIN SAPWOOD_COMPONENTS ",\n" components)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/sapwood.cdx.json @ONLY CONTENT [=[{
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "version": 1,
  "metadata": {"component": {"type": "application", "bom-ref": "sapwood", "name": "sapwood", "version": "@PROJECT_VERSION@",
    "licenses": [{"license": {"id": "Apache-2.0"}}]}},
  "components": [
@components@
  ]
}
]=])
install(FILES ${PROJECT_BINARY_DIR}/sapwood.cdx.json DESTINATION ${CMAKE_INSTALL_DATADIR}/sapwood COMPONENT runtime)
