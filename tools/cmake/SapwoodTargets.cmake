# Compile settings shared by every target of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # so that programs are linked as such, whatever the compiler's default is

option(SAPWOOD_HARDENING "Compile and link with the compiler's guards: stack protector, checked copies, read-only relocations" ON)
if(SAPWOOD_HARDENING AND NOT SAPWOOD_SANITIZE)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-fcf-protection=full SAPWOOD_HAS_CF_PROTECTION)  # x86 alone
endif()

# sapwood_harden(NAME): what a mistake that slips through the tests would meet. (Sanitizers have checks of their own.)
function(sapwood_harden name)
  if(NOT SAPWOOD_HARDENING OR SAPWOOD_SANITIZE)
    return()
  endif()
  target_compile_options(${name} PRIVATE -fstack-protector-strong -fstack-clash-protection
    # Where the compiler sees a buffer's size. It needs optimisation; distributions may have set it.
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
    $<$<BOOL:${SAPWOOD_HAS_CF_PROTECTION}>:-fcf-protection=full>)
  target_link_options(${name} PRIVATE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endfunction()

# sapwood_part(NAME): a part of the library, whose symbols are hidden in a shared one unless declared SAPWOOD_API.
function(sapwood_part name)
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  sapwood_target(${name})
  if(NOT SAPWOOD_SANITIZE)
    # Threads of other languages and of musl have small stacks. (What is not optimised keeps everything there.)
    target_compile_options(${name} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-Wframe-larger-than=16384>)
  endif()
endfunction()

# sapwood_target(NAME): warnings, sanitizers and joint compilation for one of our own targets.
function(sapwood_target name)
  # Most of the compile time is templates of CLI11 and the standard library, compiled again for
  # each source file. So names in unnamed namespaces are chosen once in a target.
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${SAPWOOD_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
    # Designated initialisers leave fields at their defaults on purpose.
    -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 sees overlaps and overruns in std::string's own inlined copies that are not there.
    target_compile_options(${name} PRIVATE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
    if(SAPWOOD_UNITY)
      target_compile_options(${name} PRIVATE -Wno-subobject-linkage)  # takes the sources for headers
    endif()
    if(SAPWOOD_SANITIZE)
      target_compile_options(${name} PRIVATE -Wno-maybe-uninitialized)  # false under instrumentation
    endif()
  endif()
  if(SAPWOOD_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  sapwood_harden(${name})
  if(SAPWOOD_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${SAPWOOD_SANITIZE} -fno-omit-frame-pointer)
    if(SAPWOOD_SANITIZE MATCHES "undefined")
      target_compile_options(${name} PRIVATE -fno-sanitize-recover=undefined)
    endif()
    if(SAPWOOD_SANITIZE MATCHES "integer")
      target_compile_options(${name} PRIVATE -fno-sanitize-recover=integer
        -fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/fuzz/integer_ignorelist.txt)
    endif()
    target_link_options(${name} PUBLIC -fsanitize=${SAPWOOD_SANITIZE})
  endif()
  if(SAPWOOD_FUZZ)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
