// Things that are not files, files that change, element types, checked sums, hashes.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/mapped_file.h"
#include "checkpoint/sha256.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

// Runs `body` in a child process and gives waitpid's status.
template <typename Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    // A signal shall end the child, not call a sanitizer or write a core file.
    const struct rlimit no_core { 0, 0 };
    ::setrlimit(RLIMIT_CORE, &no_core);
    std::signal(SIGBUS, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("hostile 22: a FIFO, a directory, a device, a socket: refused without waiting") {
  const ScratchDir dir;
  const auto fifo = dir / "model.safetensors";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (const FileAccess access : {FileAccess::map, FileAccess::copy}) {
    check_refused([&] { open_checkpoint(fifo, access); }, ErrorCode::io, {"FIFO", fifo.string()});
    check_refused([&] { open_checkpoint(dir.path(), access); }, ErrorCode::io, {"FIFO"});
    check_refused([&] { MappedFile::open(dir.path(), access); }, ErrorCode::io, {"a directory"});
    check_refused([&] { open_checkpoint("/dev/zero", access); }, ErrorCode::io, {"a device"});
    check_refused([&] { MappedFile::open("/dev/null", access); }, ErrorCode::io, {"a device"});
  }
  const auto name = dir / "socket";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(name.string().size() < sizeof(address.sun_path));
  std::strcpy(address.sun_path, name.c_str());
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  check_refused([&] { MappedFile::open(name); }, ErrorCode::io, {name.string()});
  ::close(fd);
}

TEST_CASE("hostile 22: absent, unreadable, and a circle of links") {
  const ScratchDir dir;
  check_refused([&] { MappedFile::open(dir / "absent"); }, ErrorCode::not_found, {"absent"});
  const auto file = dir.write("file", "text");
  check_refused([&] { MappedFile::open(file / "below"); }, ErrorCode::not_found, {"below"});
  fs::create_symlink("circle", dir / "circle");
  check_refused([&] { MappedFile::open(dir / "circle"); }, ErrorCode::io, {"circle"});

  fs::permissions(file, fs::perms::none);
  fs::permissions(dir.path(), fs::perms::all);
  const int status = status_of_child([&] {
    // Root reads everything, so the child gives up being root.
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 3;
    try {
      MappedFile::open(file);
      return 1;
    } catch (const Error& error) {
      return error.code() == ErrorCode::io ? 0 : 2;
    }
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("hostile 24: a file truncated while mapped raises SIGBUS, a copy does not notice") {
  const ScratchDir dir;
  const std::string content(100'000, 'x');
  for (const FileAccess access : {FileAccess::map, FileAccess::copy}) {
    const auto path = dir.write("model", content);
    const int status = status_of_child([&] {
      const MappedFile file = MappedFile::open(path, access);
      if (::truncate(path.c_str(), 0) != 0) return 2;
      const volatile std::byte last = file.data()[file.size() - 1];
      return last == std::byte{'x'} ? 0 : 1;
    });
    if (access == FileAccess::map) {
      CHECK(WIFSIGNALED(status));
      if (WIFSIGNALED(status)) CHECK(WTERMSIG(status) == SIGBUS);
    } else {
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 0);
    }
  }
}

TEST_CASE("mapped file: moves keep the bytes where they are") {
  const ScratchDir dir;
  MappedFile first = MappedFile::open(dir.write("a", "hello"));
  const std::byte* const data = first.data();
  MappedFile second = std::move(first);
  CHECK(second.data() == data);
  CHECK(second.size() == 5);
  MappedFile third = MappedFile::open(dir.write("b", "other file"), FileAccess::copy);
  third = std::move(second);
  CHECK(third.data() == data);
  CHECK(third.path() == dir / "a");
  CHECK(std::memcmp(third.data(), "hello", 5) == 0);
}

TEST_CASE("sha256: the vectors of FIPS 180-4, in one piece and in many, and of a file") {
  const auto hex = [](const std::string& text) {
    return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  };
  CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  const std::string expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  CHECK(hex(million) == expected);
  Sha256 pieces;
  for (std::size_t i = 0; i < million.size(); i += 997) {
    const std::string_view piece = std::string_view(million).substr(i, 997);
    pieces.update(std::as_bytes(std::span(piece.data(), piece.size())));
  }
  CHECK(pieces.hex() == expected);
  const ScratchDir dir;
  CHECK(sha256_file(dir.write("a", million)) == expected);
}
