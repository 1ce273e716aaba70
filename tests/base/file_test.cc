// Things that are not files, files that change, links.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/mapped_file.h"
#include "catch.h"
#include "sanitizer.h"
#include "scratch.h"

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
  check_refused([&] { MappedFile::open(fifo); }, ErrorCode::io, {"FIFO", fifo.string()});
  check_refused([&] { InputFile::open(fifo); }, ErrorCode::io, {"FIFO"});
  check_refused([&] { Folder::open(dir.path()).find("model.safetensors"); }, ErrorCode::io,
                {"FIFO"});
  check_refused([&] { MappedFile::open(dir.path()); }, ErrorCode::io, {"a directory"});
  check_refused([&] { MappedFile::open("/dev/zero"); }, ErrorCode::io, {"a device"});
  check_refused([&] { MappedFile::open("/dev/null"); }, ErrorCode::io, {"a device"});
  check_refused([&] { Folder::open(fifo); }, ErrorCode::io, {"a directory"});
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

TEST_CASE("hostile 24: a file truncated while mapped raises SIGBUS") {
  const ScratchDir dir;
  const auto path = dir.write("model", std::string(100'000, 'x'));
  const int status = status_of_child([&] {
    const MappedFile file = MappedFile::open(path);
    if (::truncate(path.c_str(), 0) != 0) return 2;
    const volatile std::byte last = file.data()[file.size() - 1];
    return last == std::byte{'x'} ? 0 : 1;
  });
  CHECK(WIFSIGNALED(status));
  if (WIFSIGNALED(status)) CHECK(WTERMSIG(status) == SIGBUS);
}

TEST_CASE("a folder: a file that is missing, a link that leads nowhere, a file below a file") {
  const ScratchDir dir;
  dir.write("config.json", "{}");
  fs::create_directory(dir / "1_Pooling");
  dir.write("1_Pooling/config.json", "[]");
  fs::create_symlink("config.json", dir / "link");
  fs::create_symlink("absent", dir / "dangling");
  const Folder folder = Folder::open(dir.path());
  CHECK(folder.at("config.json").read(100) == "{}");
  CHECK(folder.at("1_Pooling/config.json").read(100) == "[]");
  CHECK(folder.at("link").id() == folder.at("config.json").id());
  CHECK(folder.at("link").id() != folder.at("1_Pooling/config.json").id());
  CHECK_FALSE(folder.find("absent").has_value());
  CHECK_FALSE(folder.has("absent"));
  CHECK(folder.has("dangling"));
  check_refused([&] { folder.find("dangling"); }, ErrorCode::io, {"dangling", "nowhere"});
  check_refused([&] { folder.at("absent"); }, ErrorCode::not_found, {"absent"});
  check_refused([&] { folder.find("1_Pooling"); }, ErrorCode::io, {"a directory"});
  check_refused([&] { Folder::open(dir / "absent"); }, ErrorCode::not_found, {"absent"});
}

TEST_CASE("a file is read whole, up to its limit, and not where it changed meanwhile") {
  const ScratchDir dir;
  const auto path = dir.write("text", "0123456789");
  CHECK(InputFile::open(path).read(10) == "0123456789");
  CHECK(InputFile::open(path).start(4) == "0123");
  CHECK(InputFile::open(dir.write("empty", "")).read(10).empty());
  check_refused([&] { InputFile::open(path).read(9); }, ErrorCode::malformed, {"at most 9", "10"});
  const InputFile file = InputFile::open(path);
  dir.write("text", "01234567890");  // the same file, longer
  check_refused([&] { file.read(100); }, ErrorCode::io, {"changed while it was read"});
  dir.write("text", "0");
  check_refused([&] { file.read(100); }, ErrorCode::io, {"changed while it was read"});
}

TEST_CASE("no more descriptors is an error that says what to do") {
  // It opens pipes to look at an object's type.
  if (sanitized("too few descriptors, because it needs some itself")) return;
  const ScratchDir dir;
  const auto path = dir.write("text", "x");
  const int status = status_of_child([&] {
    const struct rlimit few { 3, 3 };
    ::setrlimit(RLIMIT_NOFILE, &few);
    try {
      InputFile::open(path);
      return 1;
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find("ulimit -n") != std::string::npos;
      return error.code() == ErrorCode::io && says ? 0 : 2;
    }
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("mapped file: moves keep the bytes where they are") {
  const ScratchDir dir;
  MappedFile first = MappedFile::open(dir.write("a", "hello"));
  const std::byte* const data = first.data();
  MappedFile second = std::move(first);
  CHECK(second.data() == data);
  CHECK(second.size() == 5);
  MappedFile third = MappedFile::open(dir.write("b", "other file"));
  third = std::move(second);
  CHECK(third.data() == data);
  CHECK(third.path() == dir / "a");
  CHECK(std::memcmp(third.data(), "hello", 5) == 0);
}

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

TEST_CASE("a file in memory is read as one on disk") {
  const std::string text = "0123456789";
  const InputFile file("memory/some.txt", {bytes_of(text), nullptr});
  CHECK(file.path() == "memory/some.txt");
  CHECK(file.size() == 10);
  CHECK(file.read(10) == text);
  CHECK(file.start(4) == "0123");
  CHECK(file.start(40) == text);
  check_refused([&] { file.read(9); }, ErrorCode::malformed,
                {"memory/some.txt", "at most 9", "10"});
  const InputFile empty("memory/empty", {{}, nullptr});
  CHECK(empty.read(10).empty());
  check_refused(
      [] {
        MappedFile(InputFile("memory/empty", {{}, nullptr}));
      },
      ErrorCode::malformed, {"memory/empty", "empty"});
}

TEST_CASE("a file in memory is not copied, and its owner lives as long as it is used") {
  const auto text = std::make_shared<const std::string>("hello");
  std::weak_ptr<const std::string> alive = text;
  {
    MappedFile first(InputFile("memory", {bytes_of(*text), text}));
    CHECK(first.data() == bytes_of(*text).data());
    CHECK(first.size() == 5);
    MappedFile second = std::move(first);
    CHECK(second.data() == bytes_of(*text).data());
    CHECK(text.use_count() == 2);
    second = MappedFile(InputFile("memory", {bytes_of("other"), nullptr}));
    CHECK(second.size() == 5);
  }
  CHECK(text.use_count() == 1);
}

TEST_CASE("files in memory stand for a directory") {
  const NamedBuffer files[] = {{"config.json", bytes_of("{}")},
                               {"1_Pooling/config.json", bytes_of("[]")},
                               {"1_Pooling/deeper/x", bytes_of("x")},
                               {".hidden", bytes_of("")},
                               {"1_Poolin", bytes_of("y")}};
  const Folder folder("memory", files);
  CHECK(folder.in_memory());
  CHECK(folder.at("config.json").read(100) == "{}");
  CHECK(folder.at("config.json").path() == "memory/config.json");
  CHECK(folder.at("1_Pooling/config.json").read(100) == "[]");
  CHECK_FALSE(folder.find("absent").has_value());
  CHECK_FALSE(folder.find("../config.json").has_value());
  CHECK(folder.has("config.json"));
  CHECK(folder.has("1_Pooling"));
  CHECK_FALSE(folder.has("2_Pooling"));
  CHECK(folder.names() == std::vector<std::string>{"1_Poolin", "1_Pooling", "config.json"});
  const auto inner = folder.find_folder("1_Pooling");
  REQUIRE(inner.has_value());
  CHECK(inner->at("config.json").read(100) == "[]");
  CHECK(inner->names() == std::vector<std::string>{"config.json", "deeper"});
  CHECK_FALSE(folder.find_folder("config.json").has_value());
  check_refused([&] { folder.at("absent"); }, ErrorCode::not_found, {"memory/absent"});
}

TEST_CASE("files in memory: names that lead elsewhere, and names that come twice") {
  using namespace std::string_view_literals;
  for (const std::string_view name : {""sv, "."sv, "../x"sv, "a/../x"sv, "/etc/passwd"sv, "a//b"sv,
                                      "a/"sv, "./a"sv, "a\0b"sv, ".."sv}) {
    INFO(name);
    const NamedBuffer files[] = {{"config.json", bytes_of("{}")}, {name, bytes_of("")}};
    check_refused([&] { Folder("memory", files); }, ErrorCode::invalid_argument,
                  {"memory", "inside"});
  }
  const NamedBuffer twice[] = {{"config.json", bytes_of("{}")}, {"config.json", bytes_of("{}")}};
  check_refused([&] { Folder("memory", twice); }, ErrorCode::invalid_argument,
                {"config.json", "twice"});
  const NamedBuffer both[] = {{"a/b", bytes_of("{}")}, {"a", bytes_of("{}")}};
  check_refused([&] { Folder("memory", both); }, ErrorCode::invalid_argument, {"'a'", "directory"});
}
