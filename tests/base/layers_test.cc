// Which folder may include which: a table, and every #include of the sources held against it.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"

namespace fs = std::filesystem;

namespace {

using Names = std::set<std::string>;

const fs::path kRoot = SAPWOOD_SOURCE_DIR;

// A layer's own folder and, in the order from below, what it may include besides itself. A layer
// stands below all that include it, so that there are no cycles.
struct Layer {
  std::string name;
  Names may_include;
};

const std::vector<Layer> kLayers = {
    {"kernels", {}},
    {"base", {}},
    {"tokenizer", {"base"}},
    // The engine's parts.
    {"checkpoint", {"base"}},
    {"config", {"base"}},
    {"architecture", {"base", "config"}},
    {"weights", {"base", "checkpoint", "config", "architecture", "kernels"}},
    {"onednn", {"base", "kernels"}},
    {"graph", {"base", "config", "architecture", "kernels", "onednn", "weights"}},
    {"families", {"base", "config", "architecture", "weights", "graph"}},
    {"heads", {"base", "config", "architecture", "weights", "graph"}},
    {"run", {"base", "config", "graph", "kernels", "onednn"}},
    {"load",
     {"base", "tokenizer", "checkpoint", "config", "architecture", "weights", "graph", "run",
      "kernels"}},
    {"engine",
     {"base", "tokenizer", "kernels", "config", "architecture", "weights", "graph", "run", "load"}},
    {"tasks",
     {"base", "tokenizer", "kernels", "config", "architecture", "weights", "graph", "run", "load",
      "engine"}},
    {"schedule", {"base", "config", "load", "run", "engine", "tasks"}},
    {"capi", {"base", "tokenizer", "config", "load", "run", "engine", "tasks", "schedule"}},
    {"tools",
     {"base", "tokenizer", "kernels", "config", "graph", "load", "engine", "tasks", "schedule"}},
};

// The layer that an included name belongs to; empty for the system and other libraries.
std::string layer_of(const std::string& include, const Names& tool_folders) {
  static const std::map<std::string, std::string> kPublic = {
      {"sapwood/error.h", "base"},         {"sapwood/result.h", "base"},
      {"sapwood/utf8.h", "base"},          {"sapwood/export.h", "base"},
      {"sapwood/version.h", "base"},       {"sapwood/config.h", "config"},
      {"sapwood/tasks.h", "tasks"},        {"sapwood/sapwood.h", "schedule"},
      {"sapwood/scheduler.h", "schedule"}, {"sapwood/capi.h", "capi"},
      {"sapwood/names.h", "base"},         {"sapwood/named_buffer.h", "base"},
      {"sapwood/compute.h", "config"},     {"sapwood/graph_summary.h", "graph"},
      {"sapwood/convert.h", "load"},       {"sapwood/model_files.h", "load"},
      {"sapwood/sequence.h", "config"},    {"sapwood/task_job.h", "tasks"},
      {"sapwood/threads.h", "run"},        {"sapwood/stop_token.h", "run"}};
  if (const auto it = kPublic.find(include); it != kPublic.end()) return it->second;
  if (include.starts_with("sapwood/kernels/")) return "kernels";
  if (include.starts_with("sapwood/tokenizer/")) return "tokenizer";
  if (include.starts_with("sapwood/") || include == "model_state.h" ||
      include == "encode_options.h" || include == "feed_forward.h")
    return "engine";
  const std::string folder = include.substr(0, include.find('/'));
  if (include.find('/') == std::string::npos || tool_folders.contains(folder)) return "";
  for (const Layer& layer : kLayers) {
    if (layer.name == folder) return folder;
  }
  return "";
}

// The layer that a source file belongs to.
std::string layer_of(const fs::path& file) {
  const std::string path = fs::relative(file, kRoot).generic_string();
  if (path.starts_with("engine/base/")) return "base";
  if (path.starts_with("engine/include/")) {
    return layer_of(path.substr(std::string("engine/include/").size()), {});
  }
  if (path.starts_with("engine/src/")) {
    const std::string rest = path.substr(std::string("engine/src/").size());
    const std::size_t slash = rest.find('/');
    return slash == std::string::npos ? "engine" : rest.substr(0, slash);
  }
  return path.substr(0, path.find('/'));
}

std::vector<std::string> includes(const fs::path& file) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#include ")) continue;
    const std::size_t begin = line.find_first_of("\"<") + 1;
    names.push_back(line.substr(begin, line.find_first_of("\">", begin) - begin));
  }
  return names;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const char* part : {"kernels", "tokenizer", "engine", "tools/cli"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / part)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".h" || extension == ".cc") files.push_back(entry.path());
    }
  }
  return files;
}

}  // namespace

TEST_CASE("layers: the table itself has no cycle") {
  Names below;
  for (const Layer& layer : kLayers) {
    for (const std::string& name : layer.may_include) {
      INFO(layer.name << " includes " << name);
      CHECK(below.contains(name));
    }
    below.insert(layer.name);
  }
}

TEST_CASE("layers: every include leads to a folder that its own may know") {
  std::map<std::string, Names> may_include;
  for (const Layer& layer : kLayers) may_include[layer.name] = layer.may_include;
  std::size_t checked = 0;
  for (const fs::path& file : sources()) {
    const std::string from = layer_of(file);
    INFO(file);
    REQUIRE(may_include.contains(from));
    for (const std::string& name : includes(file)) {
      const std::string to = layer_of(name, {"eval"});
      if (to.empty() || to == from) continue;
      ++checked;
      INFO(from << " includes " << name << " of " << to);
      CHECK(may_include[from].contains(to));
    }
  }
  CHECK(checked > 150);  // the search found the sources
}
