#include "decoders.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "allowance.h"
#include "bpe.h"
#include "byte_level.h"
#include "components.h"
#include "metaspace.h"
#include "regex.h"
#include "sapwood/error.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

using Strings = std::vector<std::string>;

template <typename Visit>
void each_character(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8::sequence_length(text.substr(at));
    visit(text.substr(at, length));
    at += length;
  }
}

// One string after the other as WordPieceDecoder has it: only the first is the text's beginning.
Strings word_piece(const WordPieceDecoder& decoder, Strings tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string pair[] = {"", std::move(tokens[i])};
    tokens[i] = decoder.join(std::span(pair).subspan(i == 0 ? 1 : 0));
  }
  return tokens;
}

// The replacement is a space again; in the first token it was put there, and goes.
Strings metaspace(const MetaspaceOptions& options, Strings tokens) {
  std::string replacement;
  utf8::append(replacement, options.replacement);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool drop = i == 0 && options.prepend != PrependScheme::never;
    std::string text;
    each_character(tokens[i], [&](std::string_view c) {
      if (c != replacement) {
        text += c;
      } else if (!drop) {
        text += ' ';
      }
    });
    tokens[i] = std::move(text);
  }
  return tokens;
}

// The byte of a token as "<0x41>". A plus sign before one digit is the reference's way, too.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]), low = digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

// Bytes in a row are their text, or a replacement character each where they are not UTF-8.
Strings byte_fallback(Strings tokens) {
  Strings result;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (utf8::find_invalid(bytes) == utf8::kValid) {
      result.push_back(std::move(bytes));
    } else {
      result.insert(result.end(), bytes.size(), "\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      bytes += *byte;
      continue;
    }
    flush();
    result.push_back(std::move(token));
  }
  flush();
  return result;
}

Strings fuse(Strings tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return {std::move(text)};
}

struct Strip {
  std::string content;
  std::size_t start, stop;  // characters at most
};

Strings strip(const Strip& strip, Strings tokens) {
  for (std::string& token : tokens) {
    std::string_view text = token;
    for (std::size_t i = 0; i < strip.start && text.starts_with(strip.content); ++i) {
      text.remove_prefix(strip.content.size());
    }
    for (std::size_t i = 0; i < strip.stop && text.ends_with(strip.content); ++i) {
      text.remove_suffix(strip.content.size());
    }
    token = std::string(text);
  }
  return tokens;
}

[[noreturn]] void refuse_length() {
  throw Error(ErrorCode::too_long, "the decoder makes more than " +
                                       std::to_string(kMaxDecodedBytes) +
                                       " bytes of these ids; give fewer ids at once");
}

Strings replace(const Pattern& pattern, const std::string& content, Strings tokens) {
  std::size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  SearchTime time(bytes);
  std::vector<Match> matches;
  bytes = 0;
  for (std::string& token : tokens) {
    pattern.find_all(token, time, matches);
    std::string text;
    std::size_t at = 0;
    for (const Match& match : matches) {
      text.append(token, at, match.begin - at).append(content);
      at = match.end;
      if (bytes + text.size() > kMaxDecodedBytes) refuse_length();
    }
    text.append(token, at);
    bytes += text.size();
    token = std::move(text);
  }
  return tokens;
}

DecoderStep make_sequence(const JsonValue& node) {
  std::vector<DecoderStep> steps;
  for (const JsonValue step : node.at("decoders").elements()) {
    steps.push_back(make_decoder_step(step));
  }
  require_steps(steps.size(), "decoders");
  return [steps](Strings tokens) {
    for (const DecoderStep& step : steps) tokens = step(std::move(tokens));
    return tokens;
  };
}

DecoderStep make_strip(const JsonValue& node) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  std::string content;
  utf8::append(content, one_character(node.at("content")));
  const auto count = [&](const char* key) {
    return static_cast<std::size_t>(node.at(key).integer(0, kMost));
  };
  const Strip options{std::move(content), count("start"), count("stop")};
  return [options](Strings tokens) { return strip(options, std::move(tokens)); };
}

}  // namespace

DecoderStep make_decoder_step(const JsonValue& node) {
  const std::string_view type = node.at("type").string();
  if (type == "WordPiece") {
    const WordPieceDecoder decoder{std::string(node.at("prefix").string()),
                                   node.at("cleanup").boolean()};
    return [decoder](Strings tokens) { return word_piece(decoder, std::move(tokens)); };
  }
  if (type == "Metaspace") {
    const MetaspaceOptions options = read_metaspace(node);
    return [options](Strings tokens) { return metaspace(options, std::move(tokens)); };
  }
  if (type == "ByteLevel") {
    return [](Strings tokens) { return Strings{byte_level_text(tokens)}; };
  }
  if (type == "BPEDecoder") {
    return [suffix = std::string(node.at("suffix").string())](Strings tokens) {
      return without_suffix(std::move(tokens), suffix);
    };
  }
  if (type == "ByteFallback") return byte_fallback;
  if (type == "Fuse") return fuse;
  if (type == "Strip") return make_strip(node);
  if (type == "Replace") {
    const Pattern pattern = make_pattern(node.at("pattern"));
    const std::string content(node.at("content").string());
    return
        [pattern, content](Strings tokens) { return replace(pattern, content, std::move(tokens)); };
  }
  if (type == "Sequence") return make_sequence(node);
  refuse_type(node, "decoder", type);
}

}  // namespace sapwood
