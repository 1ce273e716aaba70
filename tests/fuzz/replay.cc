// test_fuzz TARGET FOLDER: every input of the folder through the target, and the empty one. What fuzzing found stays mended, in
// every build.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "target.h"

namespace sapwood::fuzz {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool passes(const Target& target, const std::string& input, const std::string& name) {
  try {
    target.run(input);
    return true;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return false;
  }
}

int replay(const std::string& name, const fs::path& folder) {
  const auto target = std::ranges::find(targets(), name, &Target::name);
  if (target == targets().end()) {
    std::cerr << "there is no target " << name << '\n';
    return 1;
  }
  int inputs = 0, failed = passes(*target, {}, "the empty input") ? 0 : 1;
  for (const auto& entry : fs::directory_iterator(folder)) {
    ++inputs;
    failed += passes(*target, bytes_of(entry.path()), entry.path().string()) ? 0 : 1;
  }
  std::cout << inputs << " inputs, " << failed << " failed\n";
  return inputs > 3 && failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sapwood::fuzz

int main(int count, char** arguments) {
  if (count == 3) return sapwood::fuzz::replay(arguments[1], arguments[2]);
  std::cerr << "usage: test_fuzz TARGET FOLDER\n";
  return 2;
}
