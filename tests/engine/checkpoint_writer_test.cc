// Writing: what is read back, alignment, and that a failure at any byte leaves nothing.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <numeric>

#include "base/atomic_file.h"
#include "catch.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

// Files of more than `bytes` fail in this scope, as on a full disk: EFBIG after a short write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const struct rlimit limit { bytes, old_.rlim_max };
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  struct rlimit old_ {};
  void (*handler_)(int);
};

struct Example {
  std::vector<float> a = std::vector<float>(100);
  std::vector<std::uint8_t> b{1, 2, 3};
  std::map<std::string, std::string> metadata{{"config", "{\"x\": \"\\u00e9\"}\n"},
                                              {"key", "\xc3\xa9"}};

  Example() { std::iota(a.begin(), a.end(), 0.5F); }

  std::vector<TensorToWrite> tensors() const {
    TensorToWrite direct{.name = "a",
                         .dtype = TensorDtype::f32,
                         .shape = {10, 10},
                         .data = reinterpret_cast<const std::byte*>(a.data())};
    TensorToWrite pieces{.name = "b \"quoted\"", .dtype = TensorDtype::u8, .shape = {3}};
    pieces.produce = [this](const TensorSink& sink) {
      for (const std::uint8_t& byte : b) sink(std::as_bytes(std::span(&byte, 1)));
    };
    TensorToWrite none{.name = "none", .dtype = TensorDtype::f16, .shape = {0, 4}};
    TensorToWrite last{.name = "last",
                       .dtype = TensorDtype::f32,
                       .shape = {},
                       .data = reinterpret_cast<const std::byte*>(a.data())};
    return {direct, pieces, none, last};
  }
};

std::int64_t offset_in_file(const TensorSource& source, const TensorView& tensor) {
  return tensor.data - source.files()[0].data();
}

}  // namespace

TEST_CASE("writer: what was written is read back, each tensor at a multiple of 64") {
  const ScratchDir dir;
  const Example example;
  write_safetensors(dir / "m.safetensors", example.metadata, example.tensors());
  CHECK(dir.files() == 1);
  const TensorSource source = open_safetensors(dir / "m.safetensors");
  CHECK(source.metadata() == example.metadata);
  CHECK(source.names() == std::vector<std::string>{"a", "__pad.0", "b \"quoted\"", "__pad.1",
                                                   "none", "last", "__pad.2"});
  for (const TensorView& tensor : source.tensors()) {
    if (tensor.name.starts_with(kPadPrefix)) {
      CHECK(tensor.dtype == TensorDtype::u8);
      for (std::int64_t i = 0; i < tensor.bytes; ++i) CHECK(tensor.data[i] == std::byte{0});
    } else {
      CHECK(offset_in_file(source, tensor) % kTensorAlignment == 0);
    }
  }
  CHECK(source.files()[0].size() % kTensorAlignment == 0);
  REQUIRE(source.at("a").bytes == 400);
  CHECK(std::memcmp(source.at("a").data, example.a.data(), 400) == 0);
  CHECK(std::memcmp(source.at("b \"quoted\"").data, example.b.data(), 3) == 0);
  CHECK(source.at("last").shape.empty());
}

TEST_CASE("writer: headers of every length keep the alignment, and so does no tensor at all") {
  const ScratchDir dir;
  const Example example;
  for (std::size_t n = 0; n < 130; ++n) {
    write_safetensors(dir / "m", {{"k", std::string(n, 'x')}}, example.tensors());
    const TensorSource source = open_safetensors(dir / "m");
    CHECK(offset_in_file(source, source.at("a")) % kTensorAlignment == 0);
  }
  write_safetensors(dir / "empty", {}, {});
  CHECK(open_safetensors(dir / "empty").tensors().empty());
}

TEST_CASE("writer: tensors larger than the buffer, in pieces of all sizes") {
  const ScratchDir dir;
  std::vector<std::uint32_t> values(1'000'000);
  std::iota(values.begin(), values.end(), 0U);
  TensorToWrite tensor{.name = "t", .dtype = TensorDtype::u32, .shape = {1000, 1000}};
  tensor.produce = [&](const TensorSink& sink) {
    std::span<const std::byte> rest = std::as_bytes(std::span(values));
    for (std::size_t n = 1; !rest.empty(); n = n * 3 + 1) {
      const std::size_t piece = std::min(n, rest.size());
      sink(rest.first(piece));
      rest = rest.subspan(piece);
    }
  };
  write_safetensors(dir / "m", {}, {tensor}, {.checksum_key = "sum"});
  const TensorSource source = open_safetensors(dir / "m");
  CHECK(std::memcmp(source.at("t").data, values.data(), 4'000'000) == 0);
  verify_safetensors(dir / "m", "sum");
}

TEST_CASE("hostile 23: any flipped byte is found by the checksum") {
  const ScratchDir dir;
  const Example example;
  write_safetensors(dir / "m", example.metadata, example.tensors(), {.checksum_key = "sum"});
  verify_safetensors(dir / "m", "sum");
  check_refused([&] { verify_safetensors(dir / "m", "other"); }, ErrorCode::not_found, {"'other'"});
  const std::string good = read_file(dir / "m");
  int found = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    dir.write("bad", bad);
    try {
      verify_safetensors(dir / "bad", "sum");
    } catch (const Error&) {
      ++found;
    }
  }
  CHECK(found == static_cast<int>(good.size()));
}

TEST_CASE("writer: a full disk at any byte leaves the old file and nothing else") {
  const ScratchDir dir;
  const Example example;
  write_safetensors(dir / "whole", example.metadata, example.tensors());
  const auto size = fs::file_size(dir / "whole");
  fs::remove(dir / "whole");
  dir.write("m", "old");
  for (std::uintmax_t limit = 0; limit < size; limit += 61) {
    const FileSizeLimit full(limit);
    check_refused([&] { write_safetensors(dir / "m", example.metadata, example.tensors()); },
                  ErrorCode::io, {"m: cannot", "needs " + std::to_string(size) + " bytes"});
    CHECK(dir.files() == 1);
    CHECK(read_file(dir / "m") == "old");
  }
  const FileSizeLimit enough(size);
  write_safetensors(dir / "m", example.metadata, example.tensors());
  CHECK(open_safetensors(dir / "m").tensors().size() == 7);
}

TEST_CASE("atomic file: short writes without a reservation leave nothing either") {
  const ScratchDir dir;
  const std::vector<std::byte> bytes(1000, std::byte{7});
  for (rlim_t limit = 0; limit < 3000; limit += 137) {
    const FileSizeLimit full(limit);
    check_refused(
        [&] {
          AtomicFile file(dir / "m", 0);
          for (int i = 0; i < 3; ++i) file.write(bytes);
          file.commit();
        },
        ErrorCode::io, {"cannot write"});
    CHECK(dir.files() == 0);
  }
}

TEST_CASE("writer: a producer that throws, or gives the wrong number of bytes, leaves nothing") {
  const ScratchDir dir;
  TensorToWrite tensor{.name = "t", .dtype = TensorDtype::f32, .shape = {4}};
  const std::vector<std::byte> bytes(32);
  for (const std::size_t n : {0, 15, 17, 32}) {
    tensor.produce = [&, n](const TensorSink& sink) { sink(std::span(bytes).first(n)); };
    check_refused([&] { write_safetensors(dir / "m", {}, {tensor}); }, ErrorCode::mismatch,
                  {"'t'", "expected 16 bytes", std::to_string(n)});
  }
  tensor.produce = [](const TensorSink&) { throw std::runtime_error("stop"); };
  CHECK_THROWS_AS(write_safetensors(dir / "m", {}, {tensor}), std::runtime_error);
  tensor.produce = nullptr;
  check_refused([&] { write_safetensors(dir / "m", {}, {tensor}); }, ErrorCode::mismatch, {"'t'"});
  CHECK(dir.files() == 0);
}

TEST_CASE("writer: a killed process leaves nothing") {
  const ScratchDir dir;
  {
    // Where the file system has no unnamed files, a kill does leave the temporary one.
    const AtomicFile probe(dir / "probe", 0);
    if (dir.files() != 0) {
      WARN("skipped: no O_TMPFILE on the file system of the temporary directory");
      return;
    }
  }
  const pid_t child = ::fork();
  if (child == 0) {
    TensorToWrite tensor{.name = "t", .dtype = TensorDtype::f32, .shape = {4}};
    tensor.produce = [](const TensorSink&) { ::raise(SIGKILL); };
    write_safetensors(dir / "m", {}, {tensor});
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(dir.files() == 0);
}

TEST_CASE("writer: targets and tensors that cannot be written") {
  const ScratchDir dir;
  const auto write = [&](const fs::path& target, const std::vector<TensorToWrite>& tensors) {
    return [=] { write_safetensors(target, {}, tensors); };
  };
  check_refused(write(dir.path(), {}), ErrorCode::invalid_argument, {"directory"});
  check_refused(write("/dev/full", {}), ErrorCode::invalid_argument, {"/dev/full"});
  check_refused(write(dir / "absent/m", {}), ErrorCode::io, {"absent"});
  const TensorToWrite t{.name = "t", .shape = {}};
  check_refused(write(dir / "m", {t, t}), ErrorCode::invalid_argument, {"'t'", "twice"});
  TensorToWrite bad = t;
  bad.name = "__metadata__";
  check_refused(write(dir / "m", {bad}), ErrorCode::invalid_argument, {"reserved"});
  bad = t;
  bad.shape = {-1};
  check_refused(write(dir / "m", {bad}), ErrorCode::invalid_argument, {"'t'", "[-1]"});
  bad.shape = {std::int64_t{1} << 62, 4};
  check_refused(write(dir / "m", {bad}), ErrorCode::invalid_argument, {"'t'", "2^63"});
  bad = t;
  bad.dtype = TensorDtype::other;
  check_refused(write(dir / "m", {bad}), ErrorCode::invalid_argument, {"'t'", "dtype"});
  bad = t;
  bad.name = "\xff";
  check_refused(write(dir / "m", {bad}), ErrorCode::invalid_utf8, {"tensor name"});
  check_refused(
      [&] {
        write_safetensors(dir / "m", {{"k", "\xff"}}, {});
      },
      ErrorCode::invalid_utf8, {"k"});
  CHECK(dir.files() == 0);
}

TEST_CASE("writer: a link is written through, and the file has the usual permissions") {
  const ScratchDir dir;
  dir.write("real", "old");
  fs::create_symlink("real", dir / "link");
  write_safetensors(dir / "link", {}, {});
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(open_safetensors(dir / "real").tensors().empty());
  write_safetensors(dir / "fresh", {}, {});
  dir.write("plain", "x");
  CHECK(fs::status(dir / "fresh").permissions() == fs::status(dir / "plain").permissions());
}
