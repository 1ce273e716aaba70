#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>

#include "catch.h"

namespace sapwood::test {
namespace {

template <class Object, class Write>
void write_pem(const std::string& path, Object* object, Write write) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  CHECK(write(file, object) == 1);
  std::fclose(file);
}

}  // namespace

void write_certificate(const std::string& certificate_path, const std::string& key_path,
                       int serial) {
  EVP_PKEY* const key = ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  X509* const certificate = ::X509_new();
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate), 0);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate), 3600);
  ::X509_set_pubkey(certificate, key);
  X509_NAME* const name = ::X509_get_subject_name(certificate);
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  ::X509_set_issuer_name(certificate, name);
  CHECK(::X509_sign(certificate, key, ::EVP_sha256()) > 0);
  write_pem(certificate_path, certificate, ::PEM_write_X509);
  write_pem(key_path, key, [](std::FILE* file, EVP_PKEY* written) {
    return ::PEM_write_PrivateKey(file, written, nullptr, nullptr, 0, nullptr, nullptr);
  });
  ::X509_free(certificate);
  ::EVP_PKEY_free(key);
}

}  // namespace sapwood::test
