// Labelled data sets in the files they are published in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sapwood::cli {

struct LabelledText {
  std::string text;
  std::optional<std::string> pair;
  std::string label;  // a class id, a class name, or a number
};

// TSV with a header that names the columns (GLUE: sentence or text or sentence1, sentence2, label),
// or JSONL {"text", "text_pair", "label"} where the name ends in .jsonl.
std::vector<LabelledText> read_labelled(const std::string& path);

struct ScoredPair {
  std::string a, b;
  double score;
};

// STS-B's TSV without header and quoting: genre, file, year, id, score, sentence 1, sentence 2,
// more ignored. Or JSONL {"text", "text_pair", "score"}.
std::vector<ScoredPair> read_scored_pairs(const std::string& path);

struct TaggedSentence {
  std::vector<std::string> words, tags;
};

// CoNLL: a word and its tag a line (the first and last of its columns), blank lines between
// sentences. WikiANN's "en:" before every word is dropped.
std::vector<TaggedSentence> read_tagged(const std::string& path);

// The lines that are not blank.
std::vector<std::string> read_lines(const std::string& path);

// Throws Error: not_found, io, invalid_utf8.
std::string read_whole_file(const std::string& path);

}  // namespace sapwood::cli
