// Converting while allocations fail: whole files or none.
#include "catch.h"
#include "operations.h"

namespace sapwood::test {
namespace {

void check_convert(const char* name, const ConvertOptions& options) {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "m.safetensors";
  convert(golden_dir() / name, target, options);
  const std::string good = bytes_of(target);
  check_every_allocation({[&] {
                            const ConvertReport report =
                                convert(golden_dir() / name, target, options);
                            std::string answer;
                            for (const auto& product : report.products) {
                              answer += product.name + product.dtype;
                              append(answer, static_cast<float>(product.error));
                            }
                            return answer;
                          },
                          [&]() -> std::string {
                            // The older file, which is the same, or the new one; nothing else.
                            if (bytes_of(target) != good) return "another file";
                            std::string others;
                            for (const auto& entry : fs::directory_iterator(folder.path())) {
                              if (entry.path() == target) continue;
                              others = "a temporary file";
                              fs::remove(entry.path());
                            }
                            return others;
                          }});
}

TEST_CASE("convert: f32") { check_convert("distilbert-fff-sentiment", {}); }
TEST_CASE("convert: int8") { check_convert("bert-qa", {.dtype = WeightType::int8}); }
TEST_CASE("convert: int8 with trees") {
  check_convert("bert-fff-mlm", {.dtype = WeightType::int8});
}

TEST_CASE("convert: a target that cannot be written") {
  const TemporaryFolder folder;
  check_every_allocation(
      {[&] { return error_of([&] { convert(golden_dir() / "bert-qa", folder.path()); }); }});
}

}  // namespace
}  // namespace sapwood::test
