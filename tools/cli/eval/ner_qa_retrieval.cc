#include "eval/chunks.h"
#include "eval/datasets.h"
#include "eval/metrics.h"
#include "eval/squad.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

struct JoinedSentence {
  std::string text;
  std::vector<int> starts, ends;  // of the words, in code points
};

JoinedSentence join(const std::vector<std::string>& words) {
  JoinedSentence joined;
  int position = 0;
  for (const std::string& word : words) {
    if (!joined.starts.empty()) {
      joined.text += ' ';
      ++position;
    }
    joined.starts.push_back(position);
    position += static_cast<int>(utf8::count(word));
    joined.ends.push_back(position);
    joined.text += word;
  }
  return joined;
}

// Each word takes the label of its first token; a word without one (cut off, or nothing but
// characters that the tokenizer drops) is outside.
std::vector<std::string> word_tags(const JoinedSentence& sentence,
                                   const std::vector<Entity>& tokens) {
  std::vector<std::string> tags(sentence.starts.size(), "O");
  std::size_t word = 0;
  for (const Entity& token : tokens) {  // in the order of the text
    while (word < tags.size() && sentence.ends[word] <= token.start) ++word;
    if (word == tags.size()) break;
    if (token.start < sentence.starts[word]) continue;
    tags[word++] = token.entity;
  }
  return tags;
}

}  // namespace

Evaluation evaluate_ner(const Model& model, const EvalOptions& options) {
  std::vector<TaggedSentence> sentences = read_tagged(options.file);
  keep_first(sentences, options.limit);
  NerOptions ner_options;
  ner_options.ignore_labels.clear();
  ner_options.length = options.length;
  Evaluation evaluation;
  evaluation.n = sentences.size();
  std::vector<std::vector<std::string>> predicted, gold;
  in_chunks(sentences.size(), options, [&](std::size_t begin, std::size_t end) {
    std::vector<JoinedSentence> joined;
    for (std::size_t i = begin; i < end; ++i) joined.push_back(join(sentences[i].words));
    std::vector<std::string_view> texts;
    for (const JoinedSentence& sentence : joined) texts.push_back(sentence.text);
    auto results = ner(model, texts, ner_options);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Entities tokens = example_value(std::move(results[i]), begin + i);
      evaluation.truncated += tokens.truncated;
      predicted.push_back(word_tags(joined[i], tokens.entities));
      gold.push_back(std::move(sentences[begin + i].tags));
    }
  });
  const PrecisionRecall scores = span_f1(predicted, gold);
  evaluation.metrics = {
      {"precision", scores.precision}, {"recall", scores.recall}, {"f1", scores.f1}};
  return evaluation;
}

Evaluation evaluate_qa(const Model& model, const EvalOptions& options) {
  Squad squad = read_squad(options.file);
  keep_first(squad.questions, options.limit);
  AnswerOptions answer_options;
  answer_options.handle_impossible_answer = squad.has_impossible;
  if (options.length.max_length) answer_options.max_seq_length = *options.length.max_length;
  double exact = 0, overlap = 0;
  in_chunks(
      squad.questions.size(), options,
      [&](std::size_t begin, std::size_t end) {
        std::vector<QuestionInput> inputs;
        for (std::size_t i = begin; i < end; ++i) {
          const SquadQuestion& question = squad.questions[i];
          inputs.push_back({question.text, squad.contexts[question.context]});
        }
        auto results = answer(model, inputs, answer_options);
        for (std::size_t i = 0; i < results.size(); ++i) {
          const auto answers = example_value(std::move(results[i]), begin + i);
          const std::string best = answers.empty() ? std::string() : answers.front().answer;
          exact += squad_exact_match(best, squad.questions[begin + i].answers);
          overlap += squad_f1(best, squad.questions[begin + i].answers);
        }
      },
      32);
  Evaluation evaluation;
  evaluation.n = squad.questions.size();
  const auto n = static_cast<double>(evaluation.n);
  evaluation.metrics = {{"exact_match", exact / n}, {"f1", overlap / n}};
  return evaluation;
}

Evaluation evaluate_retrieval(const Model& model, const EvalOptions& options) {
  Squad squad = read_squad(options.file);
  keep_first(squad.questions, options.limit);
  Evaluation evaluation;
  evaluation.n = squad.questions.size();
  std::vector<std::string> queries;
  for (const SquadQuestion& question : squad.questions) queries.push_back(question.text);
  const auto documents = embed_all(model, squad.contexts, options, evaluation.truncated);
  const auto vectors = embed_all(model, queries, options, evaluation.truncated);
  std::vector<std::size_t> ranks;
  std::vector<double> scores(documents.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    for (std::size_t j = 0; j < documents.size(); ++j) scores[j] = cosine(vectors[i], documents[j]);
    ranks.push_back(rank_of(scores, squad.questions[i].context));
  }
  const RetrievalScores result = retrieval_scores(ranks);
  evaluation.metrics = {{"mrr@10", result.mrr_at_10},
                        {"accuracy@1", result.accuracy_at_1},
                        {"recall@10", result.recall_at_10}};
  return evaluation;
}

}  // namespace sapwood::cli
