// The part of the machine's CPU time that the process's control groups (cgroups) grant.
#pragma once

#include <filesystem>
#include <optional>

namespace sapwood {

// CPUs' worth of time that the process may use (1.5: one and a half CPUs), or nullopt where no
// group sets a limit. The process's groups are read from proc/self/cgroup, of both versions of
// control groups, and the least quota between a group and the root of its hierarchy counts. This is
// the rule of Rust's std::thread::available_parallelism and of libuv. What cannot be read or
// understood sets no limit.
//
// All files are looked up below `root`, which is "/" except in tests. Throws std::bad_alloc alone.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace sapwood
