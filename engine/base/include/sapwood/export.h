// What the shared library offers to its users: everything else in it is hidden.
#pragma once

// Stands before each public function that is not inline and in each public class that has such
// functions.
#define SAPWOOD_API __attribute__((visibility("default")))

// Stands in what is declared inside a public class and is not for its users.
#define SAPWOOD_LOCAL __attribute__((visibility("hidden")))
