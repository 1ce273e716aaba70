// A cache as the Hugging Face libraries write it, of files that are there.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "scratch.h"

namespace sapwood::test {

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
inline const std::string kOtherCommit = "89abcdef0123456789abcdef0123456789abcdef";

class HubCache {
 public:
  std::filesystem::path path() const { return scratch_.path(); }
  std::filesystem::path model(const std::string& folder) const { return scratch_ / folder; }
  std::filesystem::path snapshot(const std::string& folder,
                                 const std::string& commit = kCommit) const {
    return model(folder) / "snapshots" / commit;
  }

  // The files of `source` as a snapshot of FOLDER (models--ORG--NAME): links into its blobs.
  void add_snapshot(const std::string& folder, const std::filesystem::path& source,
                    const std::string& commit = kCommit) const {
    namespace fs = std::filesystem;
    fs::create_directories(model(folder) / "blobs");
    int blobs = 0;
    for (const auto& entry : fs::recursive_directory_iterator(source)) {
      if (!entry.is_regular_file()) continue;
      const fs::path name = fs::relative(entry.path(), source);
      const fs::path link = snapshot(folder, commit) / name;
      const fs::path blob = model(folder) / "blobs" / (commit + std::to_string(blobs++));
      fs::copy_file(entry.path(), blob);
      fs::create_directories(link.parent_path());
      fs::create_symlink(fs::relative(blob, link.parent_path()), link);
    }
  }

  void add_ref(const std::string& folder, const std::string& name, const std::string& bytes) const {
    const std::filesystem::path file = model(folder) / "refs" / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }

  void add(const std::string& folder, const std::filesystem::path& source) const {
    add_snapshot(folder, source);
    add_ref(folder, "main", kCommit);
  }

 private:
  ScratchDir scratch_;
};

}  // namespace sapwood::test
