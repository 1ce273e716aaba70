#include "base/notices.h"

#include <algorithm>

#include "base/quote.h"

namespace sapwood {
namespace {

constexpr std::size_t kMostNotices = 64;
constexpr std::size_t kMostCharacters = 1024;

}  // namespace

void Notices::add(std::string notice) {
  notice = printable(notice, kMostCharacters);
  if (std::find(list_.begin(), list_.end(), notice) != list_.end()) return;
  if (list_.size() < kMostNotices) list_.push_back(std::move(notice));
}

void Notices::add(const std::vector<std::string>& notices) {
  for (const std::string& notice : notices) add(notice);
}

}  // namespace sapwood
