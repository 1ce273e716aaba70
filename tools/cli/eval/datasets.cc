#include "eval/datasets.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/json.h"
#include "base/quote.h"
#include "record_reader.h"
#include "records.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

std::string place(const std::string& path, std::size_t line) {
  return printable(path) + " line " + std::to_string(line);
}

[[noreturn]] void fail(const std::string& path, std::size_t line, const std::string& what) {
  throw Error(ErrorCode::malformed, place(path, line) + ": " + what);
}

// A data set with a broken line is not that data set: the first one ends the evaluation.
template <class Visit>
void for_each_line(const std::string& path, Visit visit) {
  RecordReader reader(path, Framing::lines);
  RawRecord record;
  while (reader.next(record, Wait::yes) == RecordReader::Status::record) {
    if (record.oversized) fail(path, record.line, "too long");
    utf8::require_valid(record.bytes, place(path, record.line));
    visit(record.bytes, record.line);
  }
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(separator, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t") == std::string::npos;
}

bool is_jsonl(const std::string& path) { return path.ends_with(".jsonl"); }

template <class Visit>
void for_each_object(const std::string& path, Visit visit) {
  for_each_line(path, [&](const std::string& line, std::size_t number) {
    if (is_blank(line)) return;
    visit(JsonDocument::parse(line, place(path, number), kRecordJson).root());
  });
}

// The column of the first of the names that the header has.
std::optional<std::size_t> column(const std::string& path, const std::vector<std::string>& header,
                                  std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto at = std::find(header.begin(), header.end(), name);
    if (at == header.end()) continue;
    if (std::find(at + 1, header.end(), name) != header.end()) {
      fail(path, 1, std::string("the header names the column \"") + name + "\" more than once");
    }
    return static_cast<std::size_t>(at - header.begin());
  }
  return std::nullopt;
}

double parse_number(const std::string& path, std::size_t line, const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end)
    fail(path, line, "\"" + printable(text) + "\" is not a number");
  return value;
}

// "en:" where every word starts with it, as WikiANN writes.
void drop_language(std::vector<TaggedSentence>& sentences) {
  if (sentences.empty()) return;
  const std::string& first = sentences.front().words.front();
  const std::size_t colon = first.find(':');
  if (colon == std::string::npos || colon == 0 || colon > 12) return;
  const std::string prefix = first.substr(0, colon + 1);
  for (const TaggedSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) {
      if (!word.starts_with(prefix)) return;
    }
  }
  for (TaggedSentence& sentence : sentences) {
    for (std::string& word : sentence.words) word.erase(0, prefix.size());
  }
}

}  // namespace

std::vector<LabelledText> read_labelled(const std::string& path) {
  std::vector<LabelledText> examples;
  if (is_jsonl(path)) {
    for_each_object(path, [&](const JsonValue& object) {
      LabelledText example{std::string(object.string("text")), std::nullopt, {}};
      if (object.has("text_pair")) example.pair = object.string("text_pair");
      const JsonValue label = object.at("label");
      example.label = label.is_string() ? label.string() : label.to_json();
      examples.push_back(std::move(example));
    });
    return examples;
  }
  std::size_t columns = 0;
  std::optional<std::size_t> text, pair, label;
  for_each_line(path, [&](const std::string& line, std::size_t number) {
    const std::vector<std::string> fields = split(line, '\t');
    if (number == 1) {
      columns = fields.size();
      text = column(path, fields, {"sentence", "text", "sentence1"});
      pair = column(path, fields, {"sentence2", "text_pair"});
      label = column(path, fields, {"label"});
      if (!text || !label) {
        fail(path, number, "expected a header line with \"sentence\" (or \"text\") and \"label\"");
      }
      return;
    }
    if (line.empty()) return;
    if (fields.size() != columns) {
      fail(path, number,
           "expected " + std::to_string(columns) + " columns, found " +
               std::to_string(fields.size()));
    }
    LabelledText example{fields[*text], std::nullopt, fields[*label]};
    if (pair) example.pair = fields[*pair];
    examples.push_back(std::move(example));
  });
  return examples;
}

std::vector<ScoredPair> read_scored_pairs(const std::string& path) {
  std::vector<ScoredPair> pairs;
  if (is_jsonl(path)) {
    for_each_object(path, [&](const JsonValue& object) {
      const double score = object.at("score").number();
      if (!std::isfinite(score)) object.at("score").expected("a number that is not so large");
      pairs.push_back(
          {std::string(object.string("text")), std::string(object.string("text_pair")), score});
    });
    return pairs;
  }
  for_each_line(path, [&](const std::string& line, std::size_t number) {
    if (line.empty()) return;
    std::vector<std::string> fields = split(line, '\t');
    if (fields.size() < 7) {
      fail(path, number,
           "expected STS-B's 7 columns (genre, file, year, id, score, sentence 1, "
           "sentence 2), found " +
               std::to_string(fields.size()));
    }
    const double score = parse_number(path, number, fields[4]);
    pairs.push_back({std::move(fields[5]), std::move(fields[6]), score});
  });
  return pairs;
}

std::vector<TaggedSentence> read_tagged(const std::string& path) {
  std::vector<TaggedSentence> sentences;
  bool open = false;
  for_each_line(path, [&](const std::string& line, std::size_t number) {
    if (is_blank(line) || line.starts_with("-DOCSTART-")) {
      open = false;
      return;
    }
    const char separator = line.find('\t') != std::string::npos ? '\t' : ' ';
    const std::vector<std::string> fields = split(line, separator);
    if (fields.size() < 2 || fields.back().empty()) {
      fail(path, number, "expected a word and its tag, separated by a tab or a space");
    }
    if (!open) sentences.emplace_back();
    open = true;
    sentences.back().words.push_back(fields.front());
    sentences.back().tags.push_back(fields.back());
  });
  drop_language(sentences);
  return sentences;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  for_each_line(path, [&](const std::string& line, std::size_t) {
    if (!is_blank(line)) lines.push_back(line);
  });
  return lines;
}

std::string read_whole_file(const std::string& path) {
  std::string bytes;
  for_each_line(path, [&](const std::string& line, std::size_t) { bytes += line + '\n'; });
  return bytes;
}

}  // namespace sapwood::cli
