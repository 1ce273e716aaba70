#include "checkpoint/sha256.h"

#include <openssl/evp.h>

#include <new>

#include "base/mapped_file.h"
#include "sapwood/error.h"

namespace sapwood {

struct Sha256::Impl {
  struct Deleter {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Deleter> context;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  impl_->context.reset(EVP_MD_CTX_new());
  if (impl_->context == nullptr) throw std::bad_alloc();
  if (EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorCode::unsupported, "OpenSSL refuses SHA-256: check its configuration");
  }
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) != 1) {
    throw Error(ErrorCode::unsupported, "OpenSSL failed to compute SHA-256");
  }
}

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(impl_->context.get(), digest, &size) != 1) {
    throw Error(ErrorCode::unsupported, "OpenSSL failed to compute SHA-256");
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
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
