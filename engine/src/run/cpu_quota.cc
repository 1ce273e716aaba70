#include "run/cpu_quota.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood {
namespace {

namespace fs = std::filesystem;

enum class Version : std::uint8_t { v1, v2 };

// A hierarchy of groups that may limit CPU time, and the process's group in it ("/a/b").
struct Group {
  Version version;
  std::string_view path;
};

// At most `limit` bytes from a file's start; empty where it cannot be read. Files of /proc tell no
// size, so they are read in pieces; the standard library's streams would hide a failed allocation.
std::string read_start(const fs::path& path, std::size_t limit) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return text;
  const std::unique_ptr<const int, void (*)(const int*)> closer(&fd,
                                                                [](const int* f) { ::close(*f); });
  char piece[4096];
  while (text.size() < limit) {
    const ssize_t got = ::read(fd, piece, std::min(sizeof(piece), limit - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool lists_cpu(std::string_view controllers) {
  const std::vector<std::string_view> names = split(controllers, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// The lines of /proc/self/cgroup are "number:controllers:path"; version 2 names no controllers.
std::vector<Group> groups_of(std::string_view cgroup) {
  std::vector<Group> groups;
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (controllers.empty()) {
      groups.push_back({Version::v2, path});
    } else if (lists_cpu(controllers)) {
      groups.push_back({Version::v1, path});
    }
  }
  return groups;
}

// mountinfo writes blanks, line ends and backslashes of a path as \ and three octal digits.
std::string unescaped(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      path += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                (text[i + 3] - '0'));
      i += 3;
    } else {
      path += text[i];
    }
  }
  return path;
}

// Where a hierarchy is mounted, and the group that is seen at that place ("/" but in containers).
struct Mount {
  std::string group, place;
};

// The lines of mountinfo are "id parent device root place options [field ...] - type source
// options".
std::vector<Mount> mounts_of(std::string_view mountinfo, Version version) {
  std::vector<Mount> mounts;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto mount = split(line.substr(0, dash), ' '), type = split(line.substr(dash + 3), ' ');
    if (mount.size() < 5 || type.size() < 3) continue;
    const bool wanted =
        version == Version::v2 ? type[0] == "cgroup2" : type[0] == "cgroup" && lists_cpu(type[2]);
    if (wanted) mounts.push_back({unescaped(mount[3]), unescaped(mount[4])});
  }
  // The places where distributions mount it, for a mountinfo that cannot be read. Containers often
  // see their own group there.
  mounts.push_back({"/", "/sys/fs/cgroup"});
  if (version == Version::v2) {
    mounts.push_back({"/", "/sys/fs/cgroup/unified"});
  } else {
    mounts.push_back({"/", "/sys/fs/cgroup/cpu"});
    mounts.push_back({"/", "/sys/fs/cgroup/cpu,cpuacct"});
  }
  return mounts;
}

// The group's path below the mounted group, or nullopt where it does not lie below it.
std::optional<std::string_view> below(std::string_view group, std::string_view mounted) {
  if (mounted == "/") return group;
  if (!group.starts_with(mounted)) return std::nullopt;
  group.remove_prefix(mounted.size());
  return group.empty() || group[0] == '/' ? std::optional(group) : std::nullopt;
}

std::optional<std::int64_t> positive_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

// The quota that the files of one group name. Both are microseconds: of CPU time, in each period.
std::optional<double> quota_in(const fs::path& folder, Version version) {
  constexpr std::size_t kNumbers = 64;  // bytes of a file that holds two numbers
  std::optional<std::int64_t> quota, period;
  if (version == Version::v2) {
    // "150000 100000" or "max 100000"
    const std::string text = read_start(folder / "cpu.max", kNumbers);
    const auto fields = split(first_line(text), ' ');
    quota = positive_number(fields[0]);
    if (fields.size() > 1) period = positive_number(fields[1]);
  } else {
    quota = positive_number(
        first_line(read_start(folder / "cpu.cfs_quota_us", kNumbers)));  // -1: no limit
    period = positive_number(first_line(read_start(folder / "cpu.cfs_period_us", kNumbers)));
  }
  if (!quota || !period) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// The least quota on the way from `group` up to `top`, the hierarchy's place in the file system.
std::optional<double> least_quota(const fs::path& top, std::string_view group, Version version) {
  // The kernel's limits; and ".." leads to groups outside the mount.
  constexpr std::size_t kLongestPath = 4096, kLongestName = 255;
  std::vector<fs::path> folders = {top};
  for (const std::string_view name :
       split(group.size() > kLongestPath ? std::string_view() : group, '/')) {
    if (name.empty()) continue;
    if (name == ".." || name == "." || name.size() > kLongestName ||
        name.find('\0') != std::string_view::npos) {
      folders.resize(1);
      break;
    }
    folders.push_back(folders.back() / name);
  }
  std::optional<double> least;
  for (const fs::path& folder : folders) {
    const std::optional<double> quota = quota_in(folder, version);
    if (quota && (!least || *quota < *least)) least = quota;
  }
  return least;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  constexpr std::size_t kMostGroups = std::size_t{1} << 16, kMostMounts = std::size_t{1} << 22;
  const std::string cgroup = read_start(root / "proc/self/cgroup", kMostGroups);
  const std::string mountinfo = read_start(root / "proc/self/mountinfo", kMostMounts);
  std::vector<Group> groups = groups_of(cgroup);
  // The tops of the usual places count for everyone, as in a container whose /proc tells nothing.
  groups.push_back({Version::v1, "/"});
  groups.push_back({Version::v2, "/"});
  std::optional<double> least;
  for (const Group& group : groups) {
    for (const Mount& mount : mounts_of(mountinfo, group.version)) {
      const auto path = below(group.path, mount.group);
      if (!path) continue;
      const fs::path top = root / fs::path(mount.place).relative_path();
      const std::optional<double> quota = least_quota(top, *path, group.version);
      if (quota && (!least || *quota < *least)) least = quota;
    }
  }
  return least;
}

}  // namespace sapwood
