// What a user should know and what is no error: the library collects, the program prints.
#pragma once

#include <string>
#include <vector>

namespace sapwood {

class Notices {
 public:
  // Whole sentences, printable. One that is there already is not kept twice, and of very many only
  // the first are kept.
  void add(std::string notice);
  void add(const std::vector<std::string>& notices);

  const std::vector<std::string>& list() const noexcept { return list_; }

 private:
  std::vector<std::string> list_;
};

}  // namespace sapwood
