// Catch2 2 has no library with a main function; with Catch2 3 this file is not built.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
