// What torch.save writes: a zip archive with a pickle, or bare pickles. An input that begins with "=== " is the entries of an
// archive that is made here, whose checksums are therefore right; any other is the file.
#include "checkpoint/pickle.h"
#include "files.h"
#include "target.h"
#include "tensors.h"
#include "zip_archive.h"

namespace sapwood::fuzz {
namespace {

std::string archive_of(std::string_view input) {
  std::vector<test::ZipEntry> entries;
  for (InputPart& part : split_parts(input)) {
    // A deflated entry is refused; that it is one is said here alone.
    const bool deflated = part.name.ends_with(".deflated");
    entries.push_back({std::move(part.name), std::move(part.bytes),
                       static_cast<std::uint16_t>(deflated ? 8 : 0)});
  }
  return test::zip_archive(entries);
}

void read_pytorch(std::string_view input) {
  const std::string bytes = input.starts_with(kPartMark) ? archive_of(input) : std::string(input);
  accepted([&] {
    const TensorSource source = open_pytorch_bin(
        InputFile("pytorch_model.bin", {std::as_bytes(std::span(bytes)), nullptr}));
    check_tensors(source);
  });
}

const Registration kPytorchTarget({"pytorch", read_pytorch});

}  // namespace
}  // namespace sapwood::fuzz
