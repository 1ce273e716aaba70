#define OPENSSL_SUPPRESS_DEPRECATED  // see Impl

#include "checkpoint/sha256.h"

#include <openssl/sha.h>

#include "base/mapped_file.h"

namespace sapwood {

// These functions are deprecated for EVP_Digest..., which is no way to hash here: its first use
// sets the whole library up with some 5,000 allocations, and if one of them fails it can crash, or
// never hash again in this process. These allocate nothing and cannot fail.
struct Sha256::Impl {
  SHA256_CTX context;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) { SHA256_Init(&impl_->context); }

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  SHA256_Update(&impl_->context, bytes.data(), bytes.size());
}

std::string Sha256::hex() {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &impl_->context);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  return sha256_hex(MappedFile::open(path).bytes());
}

}  // namespace sapwood
