// SHA-256 (FIPS 180-4) of bytes and files, as `sha256sum` prints it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace sapwood {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  std::string hex();  // 64 lower-case digits; call once, last

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256_hex(std::span<const std::byte> bytes);

// Throws MappedFile::open's errors.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace sapwood
