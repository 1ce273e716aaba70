// The names of enumerations: each value has one, each name its value, and no other.
#include "catch.h"
#include "sapwood/compute.h"
#include "sapwood/config.h"
#include "sapwood/error.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

// `last` is the enumeration's last value.
template <class E>
void check_names(E last) {
  const EnumNames names = names_of(E{});
  INFO(names.what);
  CHECK(names.values.size() == static_cast<std::size_t>(last) + 1);
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    const std::string_view name = to_string(static_cast<E>(value));
    INFO(name);
    CHECK(name != "unknown");
    CHECK(static_cast<int>(from_string<E>(name)) == value);
  }
  CHECK(to_string(static_cast<E>(static_cast<int>(last) + 1)) == "unknown");
  for (const std::string_view wrong : {"", "sse9", "Auto", "none ", "unknown"}) {
    try {
      from_string<E>(wrong);
      FAIL_CHECK("no error for '" << wrong << "'");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      for (const NamedValue& named : names.values) {
        CHECK_THAT(error.what(), ContainsSubstring(std::string(named.name)));
      }
      CHECK_THAT(error.what(), ContainsSubstring("found '" + std::string(wrong) + "'"));
    }
  }
}

TEST_CASE("every value has a name, and every name its value", "[names]") {
  check_names(Activation::gelu_10);
  check_names(FeedForwardKind::fff);
  check_names(PositionKind::rotary);
  check_names(HeadKind::replaced_token_detection);
  check_names(ProblemType::regression);
  check_names(PoolingMode::last_token);
  check_names(Similarity::manhattan);
  check_names(PairScore::raw);
  check_names(Route::document);
  check_names(Isa::avx512_intel);
  check_names(WeightType::int8);
  check_names(DenseProducts::onednn);
  check_names(ScoreFunction::none);
  check_names(Aggregation::max);
  check_names(Truncation::none);
  check_names(Direction::left);
}

TEST_CASE("names are those that users write", "[names]") {
  CHECK(from_string<Isa>("auto") == Isa::automatic);
  CHECK(from_string<Isa>("avx512_vnni") == Isa::avx512_vnni);
  CHECK(from_string<WeightType>("bf16") == WeightType::bf16);
  CHECK(from_string<DenseProducts>("onednn") == DenseProducts::onednn);
  CHECK(from_string<PoolingMode>("cls") == PoolingMode::cls);
  CHECK(from_string<ScoreFunction>("sigmoid") == ScoreFunction::sigmoid);
  CHECK(from_string<Aggregation>("average") == Aggregation::average);
  CHECK(from_string<Truncation>("only_second") == Truncation::only_second);
  CHECK(from_string<Direction>("left") == Direction::left);
  try {
    from_string<DenseProducts>("eigen");
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "dense products: expected auto, native or onednn, found 'eigen'");
  }
}

}  // namespace
}  // namespace sapwood::test
