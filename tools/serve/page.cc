#include "page.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <string>

#include "ascii.h"

namespace sapwood::serve {
namespace {

// SHA-256 in base64, as Content-Security-Policy has it.
std::string digest_of(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, (SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1> base64{};
  const int size = EVP_EncodeBlock(base64.data(), digest.data(), SHA256_DIGEST_LENGTH);
  return {base64.begin(), base64.begin() + size};
}

// What stands in the page's only element of this name, whose tag has no attributes.
std::string_view content_of(std::string_view page, const std::string& element) {
  const std::string open = "<" + element + ">";
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</" + element + ">", begin) - begin);
}

std::string policy_of(std::string_view page) {
  return "default-src 'none'; script-src 'sha256-" + digest_of(content_of(page, "script")) +
         "'; style-src 'sha256-" + digest_of(content_of(page, "style")) +
         "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

// "text/html;q=0" says that the client does not want it.
bool is_wanted(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == parameters.npos) return true;
  const std::string_view weight = parameters.substr(at + 2);
  return weight.find_first_not_of("0. ") != weight.npos;
}

}  // namespace

bool accepts_html(const HttpRequest& request) {
  const std::string* const accept = find_header(request.headers, "accept");
  std::string_view ranges = accept == nullptr ? std::string_view() : *accept;
  while (!ranges.empty()) {
    const std::string_view range = cut_element(ranges);
    const std::size_t semicolon = std::min(range.find(';'), range.size());
    if (!same_word(trim(range.substr(0, semicolon)), "text/html")) continue;
    return is_wanted(range.substr(semicolon));
  }
  return false;
}

HttpResponse page_response(const HttpRequest& request) {
  static const std::string kPolicy = policy_of(page_html());
  static const std::string kTag = "\"" + digest_of(page_html()) + "\"";
  HttpResponse response{.content_type = "text/html; charset=utf-8",
                        .headers = {{"content-security-policy", kPolicy},
                                    {"x-content-type-options", "nosniff"},
                                    {"referrer-policy", "no-referrer"},
                                    {"cache-control", "no-cache"},
                                    {"etag", kTag}}};
  const std::string* const known = find_header(request.headers, "if-none-match");
  if (known != nullptr && known->find(kTag) != known->npos) {
    response.status = 304;
  } else {
    response.body = page_html();
  }
  return response;
}

}  // namespace sapwood::serve
