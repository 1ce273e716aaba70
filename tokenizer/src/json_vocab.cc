#include "json_vocab.h"

#include "sapwood/error.h"
#include "sapwood/tokenizer/utf8.h"

namespace sapwood {
namespace {

constexpr int kMaxDepth = 64;

class Scanner {
 public:
  explicit Scanner(std::string_view json) : json_(json) {}

  // Walks the document and copies it, but for the contents of model.vocab, which it reads.
  TokenizerFile run() {
    TokenizerFile file;
    skip_space();
    if (peek() != '{') fail("a JSON object");
    ++at_;
    walk(file);
    file.document.append(json_.substr(copied_));
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(ErrorCode::malformed,
                "tokenizer.json: expected " + expected + " at byte " + std::to_string(at_) +
                    (at_ < json_.size() ? std::string(", found '") + json_[at_] + "'"
                                        : ", found the end of the file"));
  }

  char peek() const noexcept { return at_ < json_.size() ? json_[at_] : '\0'; }

  void skip_space() noexcept {
    while (at_ < json_.size() &&
           (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\r' || json_[at_] == '\t')) {
      ++at_;
    }
  }

  void skip_string() {
    for (++at_; at_ < json_.size(); ++at_) {
      if (json_[at_] == '\\') {
        ++at_;
      } else if (json_[at_] == '"') {
        ++at_;
        return;
      }
    }
    fail("the end of a string");
  }

  // The rest of the outermost object. Only the structure is looked at; the JSON library checks the
  // rest.
  void walk(TokenizerFile& file) {
    int depth = 1;
    bool in_model = false;  // directly or deeper inside the outermost "model"
    while (at_ < json_.size() && depth > 0) {
      const char c = json_[at_];
      if (c == '"') {
        const std::size_t begin = at_;
        skip_string();
        if (depth > 2 || (depth == 2 && !in_model)) continue;
        const std::string_view key = json_.substr(begin, at_ - begin);
        skip_space();
        if (peek() != ':') continue;
        ++at_;
        skip_space();
        if (peek() != '{') continue;
        if (depth == 1) in_model = key == "\"model\"";
        if (depth == 2 && key == "\"vocab\"") take_vocabulary(file);
      } else {
        if (c == '{' || c == '[') {
          if (++depth > kMaxDepth) fail("nesting of at most 64 levels");
        } else if (c == '}' || c == ']') {
          if (--depth == 1) in_model = false;
        }
        ++at_;
      }
    }
  }

  void take_vocabulary(TokenizerFile& file) {
    if (!file.vocabulary.empty()) fail("one vocabulary, not a second");
    ++at_;  // the brace stays in the document
    file.document.append(json_.substr(copied_, at_ - copied_));
    file.vocabulary.reserve((json_.size() - at_) / 24);
    skip_space();
    if (peek() != '}') {
      for (;;) {
        file.vocabulary.push_back(read_entry(file.unescaped));
        skip_space();
        if (peek() == '}') break;
        if (peek() != ',') fail("',' or '}' in the vocabulary");
        ++at_;
        skip_space();
      }
    }
    file.document.push_back('}');
    copied_ = ++at_;
  }

  VocabularyEntry read_entry(std::list<std::string>& unescaped) {
    if (peek() != '"') fail("a token of the vocabulary in quotes");
    const std::string_view token = read_string(unescaped);
    skip_space();
    if (peek() != ':') fail("':' after a token of the vocabulary");
    ++at_;
    skip_space();
    const bool negative = peek() == '-';
    if (negative) ++at_;
    const std::size_t digits = at_;
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9' && at_ - digits < 18) {
      value = value * 10 + (json_[at_++] - '0');
    }
    const char after = peek();
    if (at_ == digits || (after >= '0' && after <= '9') || after == '.' || after == 'e' ||
        after == 'E' || (at_ - digits > 1 && json_[digits] == '0')) {
      fail("a whole number as the id of \"" + std::string(token) + "\"");
    }
    return {token, negative ? -value : value};
  }

  // Up to the quote that ends the string, or the backslash that begins an escape.
  std::string_view read_plain() {
    const std::size_t begin = at_;
    while (at_ < json_.size() && json_[at_] != '"' && json_[at_] != '\\' &&
           static_cast<unsigned char>(json_[at_]) >= 0x20) {
      ++at_;
    }
    if (peek() != '"' && peek() != '\\') fail("the end of a token of the vocabulary");
    return json_.substr(begin, at_ - begin);
  }

  std::string_view read_string(std::list<std::string>& unescaped) {
    ++at_;
    const std::string_view plain = read_plain();
    if (json_[at_++] == '"') return plain;
    std::string& out = unescaped.emplace_back(plain);
    do {
      read_escape(out);
      out += read_plain();
    } while (json_[at_++] == '\\');
    return out;
  }

  void read_escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(c);
        return;
      case 'b':
        out.push_back('\b');
        return;
      case 'f':
        out.push_back('\f');
        return;
      case 'n':
        out.push_back('\n');
        return;
      case 'r':
        out.push_back('\r');
        return;
      case 't':
        out.push_back('\t');
        return;
      case 'u':
        break;
      default:
        --at_;
        fail("an escape of JSON");
    }
    char32_t unit = read_hex();
    if (unit >= 0xDC00 && unit < 0xE000) fail("a high surrogate before a low one");
    if (unit >= 0xD800 && unit < 0xDC00) {
      if (json_.substr(at_, 2) != "\\u") fail("a low surrogate after a high one");
      at_ += 2;
      const char32_t low = read_hex();
      if (low < 0xDC00 || low >= 0xE000) fail("a low surrogate after a high one");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    utf8::append(out, unit);
  }

  char32_t read_hex() {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("four hexadecimal digits");
      value = value << 4 | static_cast<char32_t>(digit);
    }
    return value;
  }

  std::string_view json_;
  std::size_t at_ = 0;
  std::size_t copied_ = 0;  // the document holds everything before
};

}  // namespace

TokenizerFile split_tokenizer_json(std::string_view json) { return Scanner(json).run(); }

}  // namespace sapwood
