// A certificate of the test's own.
#pragma once

#include <string>

namespace sapwood::test {

// Writes a key, and the certificate of localhost that it signs itself, in PEM.
void write_certificate(const std::string& certificate_path, const std::string& key_path,
                       int serial = 1);

}  // namespace sapwood::test
