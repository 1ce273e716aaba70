// The only source that knows Boost.Beast, of which it uses the parser alone.

// Beast 1.74 asserts that the last chunk's header comes in one piece.
#define BOOST_DISABLE_ASSERTS

#include "request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>

#include "ascii.h"

namespace sapwood::serve {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

// Whether a first line is one but for the number of its version.
bool names_a_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\n'));
  const std::size_t space = line.rfind(' ');
  if (std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view word = line.substr(space + 1);
  return word.size() == 9 && word.starts_with("HTTP/") && is_digit(word[5]) && word[6] == '.' &&
         is_digit(word[7]) && word[8] == '\r' && !word.starts_with("HTTP/1.0") &&
         !word.starts_with("HTTP/1.1");
}

Refusal target_too_long(const Limits& limits) {
  return {414, "a target may have " + std::to_string(limits.target) + " bytes"};
}

// Takes what Beast reads. (A class of its own: g++ 12 with -O3 calls another function than on_chunk_body_impl where
// basic_parser is not the first base.)
class Reader final : public http::basic_parser<true> {
 public:
  explicit Reader(const Limits& limits) : limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.head));
    // on_body_impl looks after it, as the limit depends on the head. (None is less than any in Boost 1.74.)
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  // For RequestParser, which says what they are.
  HttpRequest request;
  std::string target;
  int minor = 1;
  Refusal refusal{0, {}};  // status 0: none
  std::uint64_t max_body = 0;
  bool head_given = false, dropped = false;

 private:
  // An error that stops Beast; which one is in `refusal`.
  void stop(Refusal why, error_code& error) {
    refusal = std::move(why);
    error = http::error::end_of_stream;
  }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view sent_target,
                       int version, error_code&) override {
    request.method.assign(method.data(), method.size());
    target.assign(sent_target.data(), sent_target.size());
    minor = version % 10;
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}

  void on_field_impl(http::field, beast::string_view name, beast::string_view value,
                     error_code& error) override {
    if (head_given) return;  // a trailer, up to Boost 1.89
    if (request.headers.size() >= limits_.headers) {
      return stop({431, "a request may have " + std::to_string(limits_.headers) + " headers"},
                  error);
    }
    std::string key(name.size(), '\0');
    std::transform(name.begin(), name.end(), key.begin(), lower);
    request.headers.emplace_back(std::move(key), std::string(value.data(), value.size()));
  }
  // Pure from Boost 1.90 on; nothing overrides it before.
  virtual void on_trailer_field_impl(http::field, beast::string_view, beast::string_view,
                                     error_code&) {}

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view part, error_code& error) override {
    if (dropped) return part.size();
    if (part.size() > max_body - request.body.size()) {
      stop({413, "the body of this request may have " + std::to_string(max_body) + " bytes"},
           error);
      return 0;
    }
    request.body.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                 error_code& error) override {
    return on_body_impl(part, error);
  }
  void on_finish_impl(error_code&) override {}

  const Limits& limits_;
};

class Parser final : public RequestParser {
 public:
  explicit Parser(const Limits& limits) : limits_(limits), reader_(limits) {}

  Step feed(std::string_view& bytes) override {
    if (!begun_ && !begin(bytes)) return reader_.refusal.status != 0 ? Step::refused : Step::more;
    if (reader_.is_done()) return Step::complete;
    error_code error;
    reader_.eager(reader_.head_given);
    const std::string_view given = bytes;
    bytes.remove_prefix(reader_.put(boost::asio::buffer(bytes.data(), bytes.size()), error));
    if (reader_.refusal.status == 0 && error && error != http::error::need_more) {
      reader_.refusal = judge(error, bytes);
    }
    if (reader_.refusal.status != 0) {
      if (!reader_.head_given) find_path(bytes);
      return Step::refused;
    }
    if (!reader_.head_given) {
      // Beast takes whole headers, each with all its lines.
      const std::string_view taken = given.substr(0, given.size() - bytes.size());
      folded_ |= taken.find("\r\n ") != taken.npos || taken.find("\r\n\t") != taken.npos;
      if (reader_.is_header_done()) return check_head();
    }
    if (reader_.is_done()) return Step::complete;
    if (bytes.size() < limits_.buffer) return Step::more;
    return refuse({431, "the header of a chunk, or what follows the last one, is over " +
                            std::to_string(limits_.buffer) + " bytes"});
  }

  void find_path(std::string_view rest) override {
    if (reader_.target.empty()) return guess_target(rest, reader_.request);
    read_target(reader_.target, reader_.request);
  }

  void set_max_body(std::uint64_t bytes) override {
    reader_.max_body = bytes;
    reader_.request.body.reserve(std::min(framing_.length.value_or(0), kReserved));
  }
  void drop_body() override { reader_.dropped = true; }
  HttpRequest& request() override { return reader_.request; }
  const Framing& framing() const override { return framing_; }
  const Refusal& refusal() const override { return reader_.refusal; }

 private:
  static constexpr std::uint64_t kReserved = 1 << 16;  // for a body that is only announced

  // One empty line before a request is passed over, as some clients end their bodies so. What speaks another protocol (TLS)
  // is told at once.
  bool begin(std::string_view& bytes) {
    if (!passed_line_ && bytes.starts_with("\r\n")) {
      bytes.remove_prefix(2);
      passed_line_ = true;
    }
    if (bytes.empty() || (!passed_line_ && bytes == "\r")) return false;
    begun_ = true;
    const char first = lower(bytes.front());
    if (first >= 'a' && first <= 'z') return true;
    refuse({400, "expected a method, as in GET / HTTP/1.1"});
    return false;
  }

  Step check_head() {
    HttpRequest& request = reader_.request;
    reader_.head_given = true;
    request.arrived = std::chrono::steady_clock::now();
    // First, because every refusal has the format of the path.
    std::optional<Refusal> bad_target = read_target(reader_.target, request);
    if (reader_.target.size() > limits_.target) return refuse(target_too_long(limits_));
    std::string().swap(reader_.target);
    // Beast joins the lines of a header. Who stands before us may not, and then reads another framing than we do.
    if (folded_) {
      return refuse({400, "expected each header on one line, found one that goes on in the next"});
    }
    std::optional<Refusal> refused = read_framing(request, reader_.minor, framing_);
    if (!refused) refused = std::move(bad_target);
    return refused ? refuse(std::move(*refused)) : Step::head;
  }

  // `rest`: from where the mistake is.
  Refusal judge(error_code error, std::string_view rest) const {
    if (error == http::error::header_limit) {
      // Without a method the first line has not ended.
      if (reader_.request.method.empty()) return target_too_long(limits_);
      return {431, "the head of a request may have " + std::to_string(limits_.head) + " bytes"};
    }
    if (error == http::error::bad_version && names_a_version(rest)) {
      return {505, "expected HTTP/1.1 or HTTP/1.0"};
    }
    return {400, "expected a request of HTTP/1.1, found a mistake in it: " + error.message()};
  }

  Step refuse(Refusal refusal) {
    reader_.refusal = std::move(refusal);
    return Step::refused;
  }

  const Limits& limits_;
  Reader reader_;
  Framing framing_;
  bool begun_ = false;
  bool passed_line_ = false;
  bool folded_ = false;  // a header goes on in another line
};

}  // namespace

std::unique_ptr<RequestParser> RequestParser::make(const Limits& limits) {
  return std::make_unique<Parser>(limits);
}

}  // namespace sapwood::serve
