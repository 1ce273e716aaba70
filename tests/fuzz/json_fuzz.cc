// The JSON reader against nlohmann/json: the same texts, the same values.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

using TheirJson = nlohmann::json;

// What the other library reads, and where ours says that it differs.
class Reference final : public nlohmann::json_sax<TheirJson> {
 public:
  explicit Reference(std::string_view text) { valid_ = TheirJson::sax_parse(text, this); }
  // Nothing can be said of numbers that are no double: ours keeps their text.
  bool knows() const { return !beyond_double_; }
  bool valid() const { return valid_ && deepest_ <= kMaxJsonDepth; }
  bool doubled() const { return doubled_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return deeper();
  }
  bool key(string_t& name) override {
    doubled_ = doubled_ || !keys_.back().insert(name).second;
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const TheirJson::exception& error) override {
    beyond_double_ = dynamic_cast<const TheirJson::out_of_range*>(&error) != nullptr;
    return false;
  }

 private:
  bool deeper() {
    deepest_ = std::max(deepest_, ++depth_);
    return true;
  }

  std::vector<std::set<std::string>> keys_;
  int depth_ = 0, deepest_ = 0;
  bool valid_ = false, doubled_ = false, beyond_double_ = false;
};

// Every value by every way to ask for it.
void ask(const JsonValue& value) {
  require(!value.path().empty() || value.key().empty(), "a value without a place");
  accepted([&] { value.number(); });
  accepted([&] { value.integer(-1000, 1000); });
  accepted([&] { value.string(); });
  accepted([&] { value.boolean(); });
  accepted([&] { value.object("a"); });
  accepted([&] { value.fail_at("b", "never right"); });
  if (value.is_array()) {
    require(value.items().size() == value.size(), "elements that are counted otherwise");
    for (const JsonValue element : value.elements()) ask(element);
  }
  if (value.is_object()) {
    for (const JsonValue member : value.members()) {
      require(value.find(member.key()).has_value(), "a member that its key does not find");
      ask(member);
    }
  }
}

void read_json_text(std::string_view input) {
  std::optional<JsonDocument> document;
  const std::string text(input);
  const bool read = accepted([&] { document = JsonDocument::parse(text, "fuzz"); });
  const bool strict = accepted([&] {
    JsonDocument::parse_copy(text, "fuzz", {DoubledKeys::error, 1 << 20});
  });
  require(read || !strict, "a text that only the stricter reader takes");
  // The other library takes a zero byte for the end of the text.
  if (input.find('\0') == input.npos) {
    const Reference reference(input);
    if (reference.knows()) {
      require(read == reference.valid(), "a text that one library takes and the other refuses");
      require(!read || strict == !reference.doubled(), "a doubled key that one library misses");
    }
  }
  if (!read) return;
  ask(document->root());
  const std::string written = document->root().to_json();
  require(JsonDocument::parse(written, "written").root().to_json() == written,
          "a document that changes when it is written");
  const TheirJson ours = TheirJson::parse(written, nullptr, false),
                  theirs = TheirJson::parse(input, nullptr, false);
  if (!theirs.is_discarded()) require(ours == theirs, "values that differ");
}

const Registration kJsonTarget({"json", read_json_text});

}  // namespace
}  // namespace sapwood::fuzz
