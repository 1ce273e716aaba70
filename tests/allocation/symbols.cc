#include "symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

namespace sapwood::test {
namespace {

using Functions = std::map<std::uint64_t, std::string>;  // by address in the file

template <typename T>
T at(const std::string& file, std::uint64_t offset) {
  T value{};
  if (offset <= file.size() && sizeof(T) <= file.size() - offset) {
    std::memcpy(&value, file.data() + offset, sizeof(T));
  }
  return value;
}

Functions read_functions() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(in)), {});
  const auto header = at<Elf64_Ehdr>(file, 0);
  Functions functions;
  for (int i = 0; i < header.e_shnum; ++i) {
    const auto table = at<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (table.sh_type != SHT_SYMTAB) continue;
    const auto names = at<Elf64_Shdr>(file, header.e_shoff + table.sh_link * sizeof(Elf64_Shdr));
    for (std::uint64_t s = 0; s < table.sh_size; s += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(file, table.sh_offset + s);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value == 0) continue;
      functions[symbol.st_value] = file.c_str() + names.sh_offset + symbol.st_name;
    }
  }
  return functions;
}

// Without arguments and what stands in for types: "std::vector::push_back".
std::string plain(std::string symbol) {
  symbol = symbol.substr(0, symbol.find('.'));  // a part that the compiler split off
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0) return symbol;
  std::string text;
  int depth = 0;
  const std::string whole = name.get();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const char c = whole[i];
    if (c == '(' && whole.compare(i, 21, "(anonymous namespace)") == 0) {
      i += 22;  // and "::"
      continue;
    }
    if (c == '(' && depth == 0) break;
    depth += c == '<';
    if (depth == 0) text += c;
    depth -= c == '>';
  }
  const std::size_t result = text.rfind(' ');  // the type of what a template returns
  return result == std::string::npos || text.starts_with("operator") ? text
                                                                     : text.substr(result + 1);
}

}  // namespace

std::vector<std::string> names_of(const Stack& stack) {
  static const Functions functions = read_functions();
  Dl_info program{};
  ::dladdr(reinterpret_cast<void*>(&capture), &program);
  std::vector<std::string> names;
  for (void* const address : stack) {
    if (address == nullptr) break;
    Dl_info info{};
    std::string name;
    if (::dladdr(address, &info) != 0 && info.dli_fbase == program.dli_fbase) {
      const auto offset = static_cast<std::uint64_t>(static_cast<char*>(address) -
                                                     static_cast<char*>(program.dli_fbase));
      const auto next = functions.upper_bound(offset - 1);  // a call may be a function's last word
      if (next != functions.begin()) name = std::prev(next)->second;
    } else if (info.dli_sname != nullptr) {
      name = info.dli_sname;
    }
    names.push_back(name.empty() ? "?" : plain(name));
  }
  return names;
}

}  // namespace sapwood::test
