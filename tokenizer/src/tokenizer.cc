#include "sapwood/tokenizer/tokenizer.h"

#include <algorithm>
#include <limits>

#include "base/border.h"
#include "call.h"
#include "impl.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

// Byte at which each code point begins, and the length. False where bytes and code points are the
// same.
bool index_code_points(std::string_view text, std::vector<uint32_t>& out) {
  out.clear();
  if (utf8::count(text) == text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      out.push_back(static_cast<uint32_t>(i));
    }
  }
  out.push_back(static_cast<uint32_t>(text.size()));
  return true;
}

void check(std::string_view text, const char* name) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + " has " + std::to_string(text.size()) +
                    " bytes; at most 2147483647 can be tokenized at once");
  }
  utf8::require_valid(text, name);
}

void check(const EncodeOptions& options) {
  if (options.stride < 0) {
    throw Error(ErrorCode::invalid_argument,
                "stride is " + std::to_string(options.stride) + "; it must not be negative");
  }
}

void pad_one(Encoding& e, std::size_t length, const PaddingSection& padding) {
  for (Encoding& window : e.overflowing) pad_one(window, length, padding);
  if (e.size() >= length) return;
  const std::size_t n = length - e.size();
  const bool right = padding.direction == Direction::right;
  const bool offsets = e.offsets.size() == e.ids.size();
  auto extend = [&](auto& v, auto value) { v.insert(right ? v.end() : v.begin(), n, value); };
  if (offsets) extend(e.offsets, Offsets{});
  extend(e.ids, padding.pad_id);
  extend(e.type_ids, padding.pad_type_id);
  extend(e.special_tokens_mask, uint8_t{1});
  extend(e.word_ids, int32_t{-1});
  extend(e.sequence_ids, int32_t{-1});
  if (!right) {
    for (TokenText& t : e.token_texts) t.index += static_cast<int32_t>(n);
  }
}

}  // namespace

void Encoding::clear() noexcept {
  ids.clear();
  type_ids.clear();
  offsets.clear();
  special_tokens_mask.clear();
  word_ids.clear();
  sequence_ids.clear();
  token_texts.clear();
  overflowing.clear();
  truncated = false;
}

EncodeScratch::EncodeScratch() noexcept = default;
EncodeScratch::EncodeScratch(EncodeScratch&&) noexcept = default;
EncodeScratch& EncodeScratch::operator=(EncodeScratch&&) noexcept = default;
EncodeScratch::~EncodeScratch() = default;

EncodeScratch::Buffers& EncodeScratch::buffers() {
  if (!buffers_) buffers_ = std::make_unique<Buffers>();
  return *buffers_;
}

std::size_t EncodeScratch::bytes() const noexcept {
  if (!buffers_) return 0;
  std::size_t total = sizeof(Buffers);
  Buffers::each(std::as_const(*buffers_),
                [&total](const auto& buffer) { total += buffer.capacity() * sizeof(buffer[0]); });
  return total;
}

void release_if_large(EncodeScratch::Buffers& buffers) noexcept {
  // Strings of any length.
  buffers.first.texts.clear();
  buffers.second.texts.clear();
  EncodeScratch::Buffers::each(buffers, [](auto& buffer) { release_if_large(buffer); });
}

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::Tokenizer(const Tokenizer&) = default;
Tokenizer& Tokenizer::operator=(const Tokenizer&) = default;
Tokenizer::~Tokenizer() = default;

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const try {
  Encoding out;
  EncodeScratch scratch;
  encode_into(out, scratch, text, options);
  return out;
} catch (...) {
  throw_as_error();
}

Encoding Tokenizer::encode(std::string_view text, std::string_view pair,
                           const EncodeOptions& options) const try {
  Encoding out;
  EncodeScratch scratch;
  encode_into(out, scratch, text, pair, options);
  return out;
} catch (...) {
  throw_as_error();
}

void Tokenizer::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                            const EncodeOptions& options) const try {
  out.clear();
  check(options);
  check(text, "text");
  EncodeScratch::Buffers& buffers = scratch.buffers();
  const ReleaseIfLarge guard(buffers);
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  if (options.max_length && !options.overflowing &&
      options.truncation_direction == Direction::right &&
      options.truncation == Truncation::longest_first && *options.max_length >= 0) {
    limit = static_cast<std::size_t>(*options.max_length);
  }
  impl_->tokenize(text, options, limit, buffers, buffers.first);
  const std::vector<uint32_t>* bytes[2] = {nullptr, nullptr};
  if (options.offsets && options.offset_unit == OffsetUnit::bytes &&
      index_code_points(text, buffers.byte_at[0])) {
    bytes[0] = &buffers.byte_at[0];
  }
  impl_->post.assemble(buffers.first, nullptr, options, bytes, out);
} catch (...) {
  throw_as_error();
}

void Tokenizer::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                            std::string_view pair, const EncodeOptions& options) const try {
  out.clear();
  check(options);
  check(text, "text");
  check(pair, "the second text");
  EncodeScratch::Buffers& buffers = scratch.buffers();
  const ReleaseIfLarge guard(buffers);
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  impl_->tokenize(text, options, kNoLimit, buffers, buffers.first);
  impl_->tokenize(pair, options, kNoLimit, buffers, buffers.second);
  const std::vector<uint32_t>* bytes[2] = {nullptr, nullptr};
  if (options.offsets && options.offset_unit == OffsetUnit::bytes) {
    if (index_code_points(text, buffers.byte_at[0])) bytes[0] = &buffers.byte_at[0];
    if (index_code_points(pair, buffers.byte_at[1])) bytes[1] = &buffers.byte_at[1];
  }
  impl_->post.assemble(buffers.first, &buffers.second, options, bytes, out);
} catch (...) {
  throw_as_error();
}

std::string_view Tokenizer::token(int32_t id) const try {
  if (id < 0 || id >= impl_->vocab_size) {
    throw Error(ErrorCode::invalid_argument, "there is no token " + std::to_string(id) +
                                                 "; the vocabulary has ids from 0 to " +
                                                 std::to_string(impl_->vocab_size - 1));
  }
  if (const AddedToken* added = impl_->added.find(id)) return added->content;
  const Vocabulary& vocabulary = impl_->model->vocabulary();
  return vocabulary.has(id) ? vocabulary.token(id) : std::string_view();
} catch (...) {
  throw_as_error();
}

std::optional<int32_t> Tokenizer::id(std::string_view token) const {
  if (const AddedToken* added = impl_->added.find(token)) return added->id;
  const int32_t id = impl_->model->vocabulary().find(token);
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

bool Tokenizer::continues_word(int32_t id, std::string_view source, std::string_view edge) const
    try {
  if (id == impl_->special.unk) return false;
  if (!impl_->model->continuing_prefix().empty()) {
    // A token as long as the text it came from starts a word: the prefix makes the others longer.
    return utf8::count(token(id)) != utf8::count(source);
  }
  return !edge.empty() && edge.find(' ') == std::string_view::npos;
} catch (...) {
  throw_as_error();
}

bool Tokenizer::is_special(int32_t id) const noexcept {
  const AddedToken* added = impl_->added.find(id);
  return added && added->special;
}

const std::vector<std::string>& Tokenizer::notices() const noexcept {
  return impl_->notices.list();
}

int Tokenizer::vocab_size() const noexcept { return impl_->vocab_size; }
int Tokenizer::num_special_tokens(bool pair) const noexcept {
  return impl_->post.num_special(pair);
}
std::optional<int32_t> Tokenizer::cls_id() const noexcept { return impl_->special.cls; }
std::optional<int32_t> Tokenizer::sep_id() const noexcept { return impl_->special.sep; }
std::optional<int32_t> Tokenizer::mask_id() const noexcept { return impl_->special.mask; }
std::optional<int32_t> Tokenizer::pad_id() const noexcept { return impl_->special.pad; }
std::optional<int32_t> Tokenizer::unk_id() const noexcept { return impl_->special.unk; }
bool Tokenizer::clean_up_tokenization_spaces() const noexcept {
  return impl_->clean_up_tokenization_spaces;
}
std::string_view Tokenizer::model_type() const noexcept { return impl_->model_type; }

std::optional<int> Tokenizer::model_max_length() const noexcept { return impl_->model_max_length; }
std::optional<int> Tokenizer::max_length() const noexcept { return impl_->max_length; }
Direction Tokenizer::truncation_side() const noexcept { return impl_->truncation_side; }
const std::optional<TruncationSection>& Tokenizer::truncation() const noexcept {
  return impl_->truncation;
}
const std::optional<PaddingSection>& Tokenizer::padding() const noexcept { return impl_->padding; }

EncodeOptions Tokenizer::default_options() const {
  EncodeOptions options;
  if (const auto& t = impl_->truncation) {
    options.max_length = t->max_length;
    options.truncation = t->strategy;
    options.stride = t->stride;
    options.truncation_direction = t->direction;
  }
  return options;
}

void Tokenizer::pad(std::span<Encoding> encodings, const PaddingSection& padding) try {
  std::size_t longest = 0;
  for (const Encoding& e : encodings) longest = std::max(longest, e.size());
  std::size_t length = longest;
  if (padding.fixed_length) {
    length = static_cast<std::size_t>(std::max(*padding.fixed_length, 0));
  }
  if (padding.pad_to_multiple_of > 0) {
    const auto multiple = static_cast<std::size_t>(padding.pad_to_multiple_of);
    length = (length + multiple - 1) / multiple * multiple;
  }
  constexpr std::size_t kMaxPadding = 1 << 16;
  if (length > longest + kMaxPadding) {
    throw Error(ErrorCode::invalid_argument,
                "padding to " + std::to_string(length) + " tokens adds " +
                    std::to_string(length - longest) + " to the longest text; at most " +
                    std::to_string(kMaxPadding) + " may be added: lower fixed_length or " +
                    "pad_to_multiple_of");
  }
  for (Encoding& e : encodings) pad_one(e, length, padding);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
