# Every library the project uses: from the distribution by find_package, else the pinned sources below.
#
# The versions tested are those of Debian 12 and 13. The FetchContent fallback is pinned by commit hash
# and is for systems without the packages; it has not been tried, because the project is built without
# access to the hosts it names.

include(FetchContent)
include(SapwoodFindLibrary)

# sapwood_fetch(NAME REPOSITORY COMMIT): the fallback for a package that find_package did not find.
macro(sapwood_fetch name repository commit)
  message(STATUS "${name} is not installed: fetching ${repository} at ${commit}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit})
  FetchContent_MakeAvailable(${name})
  list(APPEND SAPWOOD_FETCHED ${name})
  set(SAPWOOD_COMMIT_${name} ${commit})  # for SapwoodSbom
endmacro()

# xsimd: SIMD batches for element-wise kernels. From 8.1; the version is compared here, because the
# package's own file takes only the same major version for good.
find_package(xsimd QUIET)
if(NOT xsimd_FOUND OR xsimd_VERSION VERSION_LESS 8.1)
  sapwood_fetch(xsimd https://github.com/xtensor-stack/xsimd.git 1577b02d549cca52aa5e943c16f2600950480289)
endif()
if(NOT TARGET xsimd::xsimd)
  add_library(xsimd::xsimd ALIAS xsimd)
endif()

# simdjson: every JSON text that is read. From 3.0.
find_package(simdjson 3.0 QUIET)
if(NOT simdjson_FOUND)
  # v3.0.1
  sapwood_fetch(simdjson https://github.com/simdjson/simdjson.git 0d2455029d845e801809dd54b01ae47173d7d8e8)
endif()

# libzip: pytorch_model.bin. Looked up by hand: the CMake files of the distributions' libzip-dev fail
# where the command line tools (zipcmp, zipmerge, ziptool), other packages, are not installed.
sapwood_find_library(libzip::zip zip.h)
if(NOT TARGET libzip::zip)
  foreach(option BUILD_TOOLS BUILD_REGRESS BUILD_EXAMPLES BUILD_DOC BUILD_OSSFUZZ LIBZIP_DO_INSTALL)
    set(${option} OFF CACHE BOOL "" FORCE)
  endforeach()
  sapwood_fetch(libzip https://github.com/nih-at/libzip.git 210b09d9d2d0f4c0bbc64f92ad45c1ac53598fec)
endif()

# OpenSSL's libcrypto: SHA-256. No fallback: OpenSSL is not built by CMake, and every distribution has it.
find_package(OpenSSL 1.1 REQUIRED COMPONENTS Crypto)

# utf8proc: Unicode decompositions. Looked up by hand, because distributions differ in what they install.
sapwood_find_library(utf8proc::utf8proc utf8proc.h)
if(NOT TARGET utf8proc::utf8proc)
  # v2.9.0
  sapwood_fetch(utf8proc https://github.com/JuliaStrings/utf8proc.git 34db3f7954e9298e89f42641ac78e0450f80a70d)
  add_library(utf8proc::utf8proc ALIAS utf8proc)
endif()

# Oniguruma: the regular expressions of tokenizer.json, in the syntax of the reference.
sapwood_find_library(oniguruma::onig oniguruma.h)
if(NOT TARGET oniguruma::onig)
  # v6.9.9
  sapwood_fetch(oniguruma https://github.com/kkos/oniguruma.git e62a8e5ec123bb91651d297e6f72c84d53e3cff8)
  add_library(oniguruma::onig ALIAS onig)
endif()

find_package(Threads REQUIRED)

if(SAPWOOD_ONEDNN OR SAPWOOD_BUILD_BENCH)
  # oneDNN: dense products on request, the benchmarks' yardstick. v2.6.3.
  find_package(dnnl QUIET)
  if(NOT dnnl_FOUND)
    set(DNNL_BUILD_TESTS OFF)
    set(DNNL_BUILD_EXAMPLES OFF)
    sapwood_fetch(dnnl https://github.com/uxlfoundation/oneDNN.git 92ac40077b3b5816c7b78cdf39a988599929f0e9)
    if(NOT TARGET DNNL::dnnl)
      add_library(DNNL::dnnl ALIAS dnnl)
    endif()
  endif()
endif()

# What the library is linked with, by target and by the linker's name: nothing of it is seen in the public headers.
set(SAPWOOD_LIBRARIES simdjson::simdjson utf8proc::utf8proc oniguruma::onig libzip::zip OpenSSL::Crypto)
set(SAPWOOD_LIBRARY_NAMES simdjson utf8proc onig zip crypto)
if(SAPWOOD_ONEDNN)
  list(APPEND SAPWOOD_LIBRARIES DNNL::dnnl)
  list(APPEND SAPWOOD_LIBRARY_NAMES dnnl)
endif()
# Those of them that the system does not have. (Of xsimd only headers are used, while Sapwood compiles.)
set(SAPWOOD_FETCHED_LIBRARIES "${SAPWOOD_FETCHED}")
list(REMOVE_ITEM SAPWOOD_FETCHED_LIBRARIES xsimd)

if(SAPWOOD_BUILD_TOOLS)
  # CLI11: the command line. The fallback is v2.1.2.
  find_package(CLI11 2.1 QUIET)
  if(NOT CLI11_FOUND)
    sapwood_fetch(CLI11 https://github.com/CLIUtils/CLI11.git 70f8072f9dd2292fd0b9f9e5f58e279f60483ed3)
  endif()

  # Boost's headers: Asio and Beast, the server's sockets and its HTTP parser. Nothing of Boost is linked.
  find_package(Boost 1.74 QUIET CONFIG)
  option(SAPWOOD_SERVE "Build the server; without an installed Boost it is fetched" ${Boost_FOUND})
  if(SAPWOOD_SERVE)
    find_package(OpenSSL 1.1 REQUIRED COMPONENTS SSL Crypto)  # and TLS
    if(NOT Boost_FOUND)
      # 1.83.0. An archive, because the repository is one of 160 others.
      message(STATUS "Boost is not installed: fetching version 1.83.0")
      set(Boost_VERSION 1.83.0)
      set(BOOST_INCLUDE_LIBRARIES asio beast)
      FetchContent_Declare(Boost
        URL https://github.com/boostorg/boost/releases/download/boost-1.83.0/boost-1.83.0.tar.xz
        URL_HASH SHA256=c5a0688e1f0c05f354bbd0b32244d36085d9ffc9f932e8a18983a9908096f614)
      FetchContent_MakeAvailable(Boost)
      if(NOT TARGET Boost::headers)
        add_library(sapwood_boost_headers INTERFACE)
        add_library(Boost::headers ALIAS sapwood_boost_headers)
        target_link_libraries(sapwood_boost_headers INTERFACE Boost::asio Boost::beast)
      endif()
    endif()
  endif()
endif()

if(SAPWOOD_BUILD_TESTS)
  # nlohmann_json: the tests' own JSON, so that ours is compared with somebody else's.
  find_package(nlohmann_json 3.10 QUIET)
  if(NOT nlohmann_json_FOUND)
    sapwood_fetch(nlohmann_json https://github.com/nlohmann/json.git 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)
  endif()

  # Catch2 2 or 3; tests/catch.h is the adapter.
  find_package(Catch2 QUIET)
  if(NOT Catch2_FOUND)
    sapwood_fetch(Catch2 https://github.com/catchorg/Catch2.git 182c910b4b63ff587a3440e08f84f70497e49a81)
    list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/contrib)
  endif()
endif()

if(SAPWOOD_BUILD_BENCH)
  # What the benchmarks run in and compare with. v1.7.1 and 3.4.0.
  find_package(benchmark QUIET)
  if(NOT benchmark_FOUND)
    set(BENCHMARK_ENABLE_TESTING OFF)
    sapwood_fetch(benchmark https://github.com/google/benchmark.git d572f4777349d43653b21d6c2fc63020ab326db2)
  endif()
  find_package(Eigen3 3.3 QUIET NO_MODULE)
  if(NOT Eigen3_FOUND)
    # This hash could not be checked against the repository itself.
    sapwood_fetch(Eigen3 https://gitlab.com/libeigen/eigen.git 3147391d946bb4b6c68edd901f2add6ac1f31f8c)
  endif()
endif()
