// Every problem of a checkpoint at once: fixing them one message at a time is tedious.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sapwood/error.h"

namespace sapwood {

class Problems {
 public:
  void add(ErrorCode code, std::string text) {
    if (list_.empty()) code_ = code;
    list_.push_back(std::move(text));
  }
  void throw_if_any() const {
    if (list_.empty()) return;
    constexpr std::size_t kShown = 8;
    std::string message = list_[0];
    for (std::size_t i = 1; i < std::min(list_.size(), kShown); ++i) message += "\n" + list_[i];
    if (list_.size() > kShown)
      message += "\nand " + std::to_string(list_.size() - kShown) + " more";
    throw Error(code_, message);
  }

 private:
  ErrorCode code_ = ErrorCode::mismatch;
  std::vector<std::string> list_;
};

}  // namespace sapwood
