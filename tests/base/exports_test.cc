// What the public headers declare and do not define is exported by a shared library (SAPWOOD_API).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace fs = std::filesystem;

namespace {

enum class Scope { space, exported_class, plain_class, other };

// A header without comments and directives.
std::string code_of(std::istream& header) {
  std::string code;
  for (std::string line; std::getline(header, line);) {
    if (!line.starts_with('#')) code += line.substr(0, line.find("//")) + ' ';
  }
  for (std::size_t begin; (begin = code.find("/*")) != std::string::npos;) {
    const std::size_t end = code.find("*/", begin);
    code.erase(begin, end == std::string::npos ? end : end + 2 - begin);
  }
  return code;
}

// A declaration without the blanks and the access specifier before it.
std::string_view trimmed(std::string_view text) {
  for (std::string_view before : {" ", "public:", "private:", "protected:"}) {
    while (text.starts_with(before)) text.remove_prefix(before.size());
  }
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

bool is_function(std::string_view declaration) {
  for (std::string_view word :
       {"using ", "template ", "inline ", "constexpr ", "friend ", "typedef "}) {
    if (declaration.starts_with(word)) return false;
  }
  if (declaration.find("= default") != std::string_view::npos ||
      declaration.find("= delete") != std::string_view::npos) {
    return false;
  }
  // A parenthesis of a type's arguments, or of a member's first value, is no function's.
  int angles = 0;
  for (const char c : declaration) {
    angles += (c == '<') - (c == '>');
    if (angles == 0 && c == '=') return false;
    if (angles == 0 && c == '(') return true;
  }
  return false;
}

Scope scope_of(std::string_view head) {
  if (head.starts_with("namespace ") || head.starts_with("extern ")) return Scope::space;
  if (!head.starts_with("class ") && !head.starts_with("struct ")) return Scope::other;
  return head.find("SAPWOOD_API") != std::string_view::npos ? Scope::exported_class
                                                            : Scope::plain_class;
}

// The functions that a header declares, does not define, and does not export.
std::vector<std::string> not_exported(std::istream& header) {
  std::vector<std::string> found;
  std::vector<Scope> scopes{Scope::space};
  std::string statement;
  int parentheses = 0;
  for (const char c : code_of(header)) {
    parentheses += (c == '(') - (c == ')');
    if (parentheses > 0 || (c != '{' && c != '}' && c != ';')) {
      statement += c;
      continue;
    }
    const std::string_view text = trimmed(statement);
    const Scope scope = scopes.back();
    if (c == '{') scopes.push_back(scope_of(text));
    if (c == '}') scopes.pop_back();
    if (c == ';' && (scope == Scope::space || scope == Scope::plain_class) && is_function(text) &&
        text.find("SAPWOOD_API") == std::string_view::npos) {
      found.emplace_back(text);
    }
    statement.clear();
  }
  return found;
}

std::vector<fs::path> public_headers() {
  const fs::path root = SAPWOOD_SOURCE_DIR;
  std::vector<fs::path> headers;
  for (const char* part : {"engine/base/include", "engine/include", "tokenizer/include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / part)) {
      if (entry.is_regular_file()) headers.push_back(entry.path());
    }
  }
  REQUIRE(headers.size() >= 15);
  return headers;
}

}  // namespace

TEST_CASE("exports: the search finds what is not exported") {
  std::istringstream header(
      "namespace sapwood {\n"
      "SAPWOOD_API int a(int x = {});\n"
      "std::string b(  // two lines\n    int y);\n"
      "inline int c() { return b(1).size(); }\n"
      "struct Plain { int d() const; int e() { return 1; } bool operator==(const Plain&) = "
      "default; };\n"
      "struct Members { std::function<void(int)> f; int g = int(1); };\n"
      "extern \"C\" { /* c(); */ typedef void (*call)(int); SAPWOOD_API int g(void); int h(void); "
      "}\n"
      "class SAPWOOD_API Whole {\n public:\n  explicit Whole(int);\n private:\n  int f();\n};\n"
      "}\n");
  const std::vector<std::string> found = not_exported(header);
  REQUIRE(found.size() == 3);
  CHECK(found[0].starts_with("std::string b("));
  CHECK(found[1].starts_with("int d()"));
  CHECK(found[2].starts_with("int h(void)"));
}

TEST_CASE("exports: all that the public headers declare is exported") {
  for (const fs::path& header : public_headers()) {
    INFO(header);
    std::ifstream in(header);
    for (const std::string& declaration : not_exported(in)) FAIL_CHECK(declaration);
  }
}

TEST_CASE("exports: the public headers name nothing of graphs, kernels and runs") {
  const std::regex internal(
      R"(\bkernels::|\bnamespace kernels\b|\b(KernelTable|Graph|Node|Team|Workspace|PackedRun)\b)");
  CHECK(std::regex_search("const Graph& graph() const;", internal));
  CHECK(std::regex_search("const kernels::KernelTable& kernels();", internal));
  CHECK_FALSE(std::regex_search("GraphSummary summarize(const Model&);", internal));
  for (const fs::path& header : public_headers()) {
    INFO(header);
    std::ifstream in(header);
    std::smatch found;
    const std::string code = code_of(in);
    if (std::regex_search(code, found, internal)) FAIL_CHECK(found.str());
  }
}
