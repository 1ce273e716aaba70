// The CPU quota of control groups, read from made-up trees of /proc and /sys.
#include "run/cpu_quota.h"

#include <map>

#include "catch.h"
#include "golden.h"

namespace sapwood::test {
namespace {

// The quota in a tree of these files, by path below the root.
std::optional<double> quota_of(const std::map<std::string, std::string>& files) {
  const TemporaryFolder root;
  for (const auto& [name, text] : files) {
    const fs::path path = root.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  return cpu_quota(root.path());
}

const std::string kV2Mount = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

TEST_CASE("no control group, no quota", "[cpu quota]") {
  CHECK(quota_of({}) == std::nullopt);
  CHECK(quota_of({{"proc/self/cgroup", "0::/\n"}, {"proc/self/mountinfo", kV2Mount}}) ==
        std::nullopt);
  // A path that is a folder or leads through a file reads as nothing.
  CHECK(quota_of({{"proc/self/cgroup/x", ""}, {"sys/fs/cgroup/cpu.max/x", ""}}) == std::nullopt);
}

TEST_CASE("version 2: the quota of the process's own group counts", "[cpu quota]") {
  const std::map<std::string, std::string> files = {
      {"proc/self/cgroup", "0::/system.slice/embed.service\n"},
      {"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
      {"sys/fs/cgroup/system.slice/embed.service/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/system.slice/other.service/cpu.max", "10000 100000\n"}};
  CHECK(quota_of(files) == 1.5);
  auto mounted = files;
  mounted["proc/self/mountinfo"] = kV2Mount;
  CHECK(quota_of(mounted) == 1.5);
}

TEST_CASE("version 2: the least quota on the way to the root counts", "[cpu quota]") {
  const auto nested = [](const char* top, const char* outer, const char* inner) {
    return quota_of({{"proc/self/cgroup", "0::/outer/inner\n"},
                     {"proc/self/mountinfo", kV2Mount},
                     {"sys/fs/cgroup/cpu.max", top},
                     {"sys/fs/cgroup/outer/cpu.max", outer},
                     {"sys/fs/cgroup/outer/inner/cpu.max", inner}});
  };
  CHECK(nested("max 100000\n", "200000 100000\n", "max 100000\n") == 2.0);
  CHECK(nested("max 100000\n", "200000 100000\n", "300000 100000\n") == 2.0);
  CHECK(nested("max 100000\n", "max 100000\n", "300000 100000\n") == 3.0);
  CHECK(nested("50000 100000\n", "max 100000\n", "300000 100000\n") == 0.5);
  CHECK(nested("max 100000\n", "max 100000\n", "max 100000\n") == std::nullopt);
}

TEST_CASE("version 2: a container sees its group at the top of the mount", "[cpu quota]") {
  // With a namespace of its own the path is "/", without one it is the whole path on the host.
  const std::string quota = "250000 100000\n";
  CHECK(quota_of({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", quota}}) == 2.5);
  CHECK(quota_of({{"proc/self/cgroup", "0::/docker/0123\n"}, {"sys/fs/cgroup/cpu.max", quota}}) ==
        2.5);
  CHECK(quota_of({{"proc/self/cgroup", "0::/docker/0123/child\n"},
                  {"proc/self/mountinfo",
                   "35 24 0:30 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
                  {"sys/fs/cgroup/child/cpu.max", quota}}) == 2.5);
  CHECK(quota_of({{"proc/self/cgroup", "0::/../other\n"}, {"sys/fs/cgroup/cpu.max", quota}}) ==
        2.5);
  CHECK(quota_of({{"sys/fs/cgroup/cpu.max", quota}}) == 2.5);
}

TEST_CASE("version 1: quota and period of the cpu controller's group", "[cpu quota]") {
  const std::string cgroup =
      "12:memory:/m\n4:cpu,cpuacct:/system.slice/embed.service\n3:cpuset:/x\n1:name=systemd:/y\n";
  const auto at = [&](const std::string& folder, const std::string& quota,
                      const std::string& mountinfo) {
    return quota_of({{"proc/self/cgroup", cgroup},
                     {"proc/self/mountinfo", mountinfo},
                     {folder + "/cpu.cfs_quota_us", quota},
                     {folder + "/cpu.cfs_period_us", "100000\n"}});
  };
  const std::string group = "/system.slice/embed.service";
  CHECK(at("sys/fs/cgroup/cpu" + group, "300000\n", "") == 3.0);
  CHECK(at("sys/fs/cgroup/cpu,cpuacct" + group, "300000\n", "") == 3.0);
  CHECK(at("sys/fs/cgroup/cpu/system.slice", "300000\n", "") == 3.0);
  CHECK(at("sys/fs/cgroup/cpu", "300000\n", "") == 3.0);
  CHECK(at("sys/fs/cgroup/cpu" + group, "-1\n", "") == std::nullopt);
  CHECK(at("sys/fs/cgroup/cpu/x", "300000\n", "") == std::nullopt);  // the cpuset's group
  // Mounted elsewhere, under a name with a blank, and from a group of a container.
  CHECK(at("mnt/my cpu" + group, "300000\n",
           "30 24 0:26 / /mnt/my\\040cpu rw shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct\n") ==
        3.0);
  CHECK(at("c", "300000\n",
           "30 24 0:26 /system.slice/embed.service /c rw - cgroup cgroup rw,cpuacct,cpu\n") == 3.0);
  CHECK(at("c", "300000\n", "30 24 0:26 /system /c rw - cgroup cgroup rw,cpu\n") == std::nullopt);
  CHECK(at("c", "300000\n", "30 24 0:26 / /c rw - cgroup cgroup rw,cpuset\n") == std::nullopt);
}

TEST_CASE("both versions at once: the least quota counts", "[cpu quota]") {
  const auto hybrid = [](const char* v1_quota, const char* v2_quota) {
    return quota_of({{"proc/self/cgroup", "4:cpu,cpuacct:/a/b\n0::/a/b\n"},
                     {"proc/self/mountinfo",
                      "31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                      "30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu\n"},
                     {"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", v1_quota},
                     {"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "50000\n"},
                     {"sys/fs/cgroup/unified/a/b/cpu.max", v2_quota}});
  };
  CHECK(hybrid("100000\n", "max 100000\n") == 2.0);
  CHECK(hybrid("100000\n", "100000 100000\n") == 1.0);
  CHECK(hybrid("100000\n", "400000 100000\n") == 2.0);
  CHECK(hybrid("-1\n", "400000 100000\n") == 4.0);
}

TEST_CASE("HOSTILE: a quota that is none sets no limit", "[cpu quota][hostile]") {
  for (const char* text :
       {"", "\n", "max", "100000", "100000 0", "0 100000", "-5 100000", "1e5 100000", "nan nan",
        "100000  100000", " 100000 100000", "100000 -1", "99999999999999999999 100000",
        "100000 99999999999999999999", "100000x 100000", "max max"}) {
    INFO(text);
    CHECK(quota_of({{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", text}}) ==
          std::nullopt);
  }
  CHECK(quota_of({{"proc/self/cgroup", "0::/a\n"},
                  {"sys/fs/cgroup/a/cpu.max", "100000 100000" + std::string(1 << 20, '\n')}}) ==
        1.0);
}

TEST_CASE("HOSTILE: any text for the process's groups is read", "[cpu quota][hostile]") {
  const std::string deep = [] {
    std::string path;
    for (int i = 0; i < 1000; ++i) path += "/a";
    return path;
  }();
  const std::string zero("0::/a\0b\n0::/\0\n", 14);
  for (const std::string& cgroup :
       {std::string("0"), std::string("0:"), std::string("::"), std::string("0::"),
        std::string("0::\n:cpu\n:cpu:\n"), std::string("0::/../../../etc\n"),
        std::string("0::relative/path\n"), "0::" + deep + "\n", "0::" + std::string(1 << 20, '/'),
        "0::/" + std::string(300, 'x') + "\n", zero, std::string(1 << 20, ':'),
        std::string("\xff\xfe:\xff:\xff\n"), std::string("0::/a (deleted)\n")}) {
    INFO(cgroup.substr(0, 40));
    for (const char* mountinfo :
         {"", " - ", "1 2 3 - cgroup2 x y\n", "1 2 0:1 /a /\\777\\0 rw - cgroup2 x rw\n",
          "1 2 0:1 / / rw - cgroup\n"}) {
      CHECK(quota_of({{"proc/self/cgroup", cgroup},
                      {"proc/self/mountinfo", mountinfo},
                      {"sys/fs/cgroup/cpu.max", "200000 100000\n"},
                      {"etc/cpu.max", "100000 100000\n"}}) == 2.0);
    }
  }
}

}  // namespace
}  // namespace sapwood::test
