// Files of a test's own, and refusals that are looked at.
#pragma once

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "sapwood/error.h"

namespace sapwood::test {

// A directory of its own for one test case, removed with all in it.
class ScratchDir {
 public:
  ScratchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "sapwood-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = std::filesystem::canonical(name);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + name);
    return path_ / name;
  }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Processor time allowed for a refusal, in milliseconds. The promise is 100 on an idle machine;
// tests run beside one another, and sanitizers and unoptimised builds are many times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
inline constexpr double kRefusalMs = 5000;
#else
inline constexpr double kRefusalMs = 250;
#endif

// Runs `action`, which must throw an Error of this code, quickly, whose message contains all
// `parts`.
template <typename Action>
void check_refused(Action action, ErrorCode code, const std::vector<std::string>& parts) {
  const std::clock_t start = std::clock();
  try {
    action();
  } catch (const Error& error) {
    const double ms = 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    INFO(error.what());
    CHECK(to_string(error.code()) == to_string(code));
    for (const std::string& part : parts) {
      INFO("expected in the message: " << part);
      CHECK(std::string(error.what()).find(part) != std::string::npos);
    }
    CHECK(ms < kRefusalMs);
    return;
  }
  FAIL_CHECK("was accepted, expected a refusal");
}

}  // namespace sapwood::test
