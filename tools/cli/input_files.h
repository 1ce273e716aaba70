// What a command reads, so that it never writes there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapwood::cli {

class InputFiles {
 public:
  // A file; "-": standard input.
  void add(std::string path) { files_.push_back(std::move(path)); }
  // A model: all files that it may be read from.
  void add_model(std::filesystem::path model) { models_.push_back(std::move(model)); }

  // Throws UsageError where `output` ("" or "-": standard output) is a regular file and one of
  // these. Files are told apart by device and inode: other names, links and redirections of
  // standard input and output are seen through.
  void require_other(const std::string& output) const;

 private:
  std::vector<std::string> files_;
  std::vector<std::filesystem::path> models_;
};

}  // namespace sapwood::cli
