// The only source that knows Boost.Beast, of which it uses the parser alone.
#include "request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <utility>

#include "ascii.h"

namespace sapwood::serve {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

// Whether the first line ends in a version, so that the version is what is wrong with it.
bool names_a_version(std::string_view head) {
  const std::string_view line = head.substr(0, std::min(head.find("\r\n"), head.size()));
  const std::size_t space = line.rfind(' ');
  if (space == line.npos) return false;
  const std::string_view word = line.substr(space + 1);
  return word.size() == 8 && word.starts_with("HTTP/") && is_digit(word[5]) && word[6] == '.' &&
         is_digit(word[7]);
}

class Parser final : public RequestParser, private http::basic_parser<true> {
 public:
  explicit Parser(const Limits& limits) : limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.head));
    body_limit(boost::none);  // on_body looks after it, as the limit depends on the head
  }

  Step feed(std::string_view& bytes) override {
    if (!begun_ && !begin(bytes)) return refusal_.status != 0 ? Step::refused : Step::more;
    if (is_done()) return Step::complete;
    error_code error;
    eager(head_given_);
    const std::string_view given = bytes;
    bytes.remove_prefix(put(boost::asio::buffer(bytes.data(), bytes.size()), error));
    if (refusal_.status != 0) return Step::refused;
    if (error == http::error::need_more) error = {};
    if (error) return refuse(judge(error, given));
    if (!head_given_ && is_header_done()) {
      head_given_ = true;
      request_.arrived = std::chrono::steady_clock::now();
      return check_head() ? Step::head : Step::refused;
    }
    if (is_done()) return Step::complete;
    if (bytes.size() < limits_.buffer) return Step::more;
    return refuse({431, "the header of a chunk, or what follows the last one, is over " +
                            std::to_string(limits_.buffer) + " bytes"});
  }

  void set_max_body(std::uint64_t bytes) override { max_body_ = bytes; }
  void drop_body() override { dropped_ = true; }
  HttpRequest& request() override { return request_; }
  const Framing& framing() const override { return framing_; }
  const Refusal& refusal() const override { return refusal_; }

 private:
  // An empty line before a request is passed over, as some clients end their bodies so. Beast looks at a head when all of
  // it is there; what speaks another protocol (TLS) is told at once.
  bool begin(std::string_view& bytes) {
    if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    if (bytes.empty() || bytes == "\r") return false;
    begun_ = true;
    const char first = lower(bytes.front());
    if (first >= 'a' && first <= 'z') return true;
    refusal_ = {400, "expected a method, as in GET / HTTP/1.1"};
    return false;
  }

  bool check_head() {
    std::optional<Refusal> refused;
    if (target_.size() > limits_.target) {
      refused = target_too_long();
    } else {
      refused = read_framing(request_, minor_, framing_);
      if (!refused) refused = read_target(target_, request_);
    }
    std::string().swap(target_);
    if (refused) refusal_ = std::move(*refused);
    return !refused;
  }

  Refusal judge(error_code error, std::string_view given) const {
    if (error == http::error::header_limit) {
      if (request_.method.empty()) return target_too_long();  // no end of the first line
      return {431, "the head of a request may have " + std::to_string(limits_.head) + " bytes"};
    }
    if (error == http::error::bad_version && names_a_version(given)) {
      return {505, "expected HTTP/1.1 or HTTP/1.0"};
    }
    return {400, "expected a request of HTTP/1.1, found a mistake in it: " + error.message()};
  }

  Refusal target_too_long() const {
    return {414, "a target may have " + std::to_string(limits_.target) + " bytes"};
  }

  Step refuse(Refusal refusal) {
    refusal_ = std::move(refusal);
    return Step::refused;
  }

  // What Beast calls. An error that stops it; which one is in refusal_.
  void stop(Refusal refusal, error_code& error) {
    refusal_ = std::move(refusal);
    error = http::error::end_of_stream;
  }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code&) override {
    request_.method.assign(method.data(), method.size());
    target_.assign(target.data(), target.size());
    minor_ = version % 10;
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}

  void on_field_impl(http::field, beast::string_view name, beast::string_view value,
                     error_code& error) override {
    if (head_given_) return;  // a trailer, up to Boost 1.89
    if (request_.headers.size() >= limits_.headers) {
      return stop({431, "a request may have " + std::to_string(limits_.headers) + " headers"},
                  error);
    }
    std::string key(name.size(), '\0');
    std::transform(name.begin(), name.end(), key.begin(), lower);
    request_.headers.emplace_back(std::move(key), std::string(value.data(), value.size()));
  }
  // Pure from Boost 1.90 on; nothing overrides it before.
  virtual void on_trailer_field_impl(http::field, beast::string_view, beast::string_view,
                                     error_code&) {}

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view part, error_code& error) override {
    if (dropped_) return part.size();
    if (part.size() > max_body_ - request_.body.size()) {
      stop({413, "the body of this request may have " + std::to_string(max_body_) + " bytes"},
           error);
      return 0;
    }
    request_.body.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                 error_code& error) override {
    return on_body_impl(part, error);
  }
  void on_finish_impl(error_code&) override {}

  const Limits& limits_;
  HttpRequest request_;
  std::string target_;
  Framing framing_;
  Refusal refusal_{0, {}};  // status 0: none
  std::uint64_t max_body_ = 0;
  int minor_ = 1;
  bool begun_ = false, head_given_ = false, dropped_ = false;
};

}  // namespace

std::unique_ptr<RequestParser> RequestParser::make(const Limits& limits) {
  return std::make_unique<Parser>(limits);
}

}  // namespace sapwood::serve
