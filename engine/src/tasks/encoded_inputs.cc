#include "tasks/encoded_inputs.h"

#include <algorithm>
#include <string>

namespace sapwood::tasks {

namespace {

// Model::run refuses a whole call for one bad sequence; these checks keep the others alive.
std::optional<Error> unfit(const Model& model, const Encoding& encoding) {
  const ModelConfig& config = model.config();
  const auto tokens = encoding.size();
  if (tokens == 0) {
    return Error(ErrorCode::unsupported,
                 "the text has no tokens and the tokenizer adds none (no [CLS], [SEP]): there is "
                 "nothing to compute");
  }
  if (config.max_positions > 0 && tokens > static_cast<std::size_t>(config.max_positions)) {
    return Error(ErrorCode::too_long, "the text has " + std::to_string(tokens) +
                                          " tokens, but the model has " +
                                          std::to_string(config.max_positions) +
                                          " positions: lower max_length or allow truncation");
  }
  for (const std::int32_t id : encoding.ids) {
    if (id < 0 || id >= config.vocab_size) {
      return Error(ErrorCode::mismatch, "the tokenizer gave token id " + std::to_string(id) +
                                            ", but the model embeds " +
                                            std::to_string(config.vocab_size) +
                                            " tokens: the weights have no row for it");
    }
  }
  if (config.type_vocab > 0) {
    for (const std::int32_t type : encoding.type_ids) {
      if (type < 0 || type >= config.type_vocab) {
        return Error(ErrorCode::mismatch, "the tokenizer gave token type " + std::to_string(type) +
                                              ", but the model has " +
                                              std::to_string(config.type_vocab) +
                                              " token types: it does not read such pairs");
      }
    }
  }
  return std::nullopt;
}

}  // namespace

void throw_wrong_model(const Model& model, std::string_view task, std::string_view needs) {
  const ModelConfig& config = model.config();
  std::string message(task);
  message.append(" needs ").append(needs).append("; ").append(model.path().string());
  message.append(" is a ").append(to_string(config.architecture));
  if (config.head == HeadKind::none) {
    message += " encoder without a head";
  } else {
    message.append(" model with a ").append(to_string(config.head)).append(" head");
    if (config.head == HeadKind::sequence_classification) {
      message += " of " + std::to_string(config.labels.size()) + " labels";
    }
  }
  throw Error(ErrorCode::unsupported, message + ": give another model");
}

void require_head(const Model& model, HeadKind head, std::string_view task) {
  if (model.config().head == head) return;
  std::string needs = "a model with a ";
  needs.append(to_string(head)).append(" head");
  switch (head) {
    case HeadKind::masked_lm:
      needs += " (an architecture ...ForMaskedLM)";
      break;
    case HeadKind::sequence_classification:
      needs += " (an architecture ...ForSequenceClassification)";
      break;
    case HeadKind::token_classification:
      needs += " (an architecture ...ForTokenClassification)";
      break;
    case HeadKind::question_answering:
      needs += " (an architecture ...ForQuestionAnswering)";
      break;
    case HeadKind::none:
      break;
  }
  throw_wrong_model(model, task, needs);
}

void require_at_least(int value, int least, std::string_view name) {
  if (value >= least) return;
  throw Error(ErrorCode::invalid_argument, std::string(name) + " is " + std::to_string(value) +
                                               ": it must be at least " + std::to_string(least));
}

EncodedInputs encode_inputs(const Model& model, std::size_t count, const Encode& encode) {
  model.tokenizer();  // a model without one fails the call, not each input
  EncodedInputs batch;
  batch.errors.resize(count);
  batch.truncated.resize(count);
  batch.windows.reserve(count);
  batch.input_of.reserve(count);
  EncodeScratch scratch;
  for (std::size_t i = 0; i < count; ++i) {
    try {
      Encoding first;
      encode(i, first, scratch);
      std::vector<Encoding> others = std::move(first.overflowing);
      first.overflowing.clear();
      batch.errors[i] = unfit(model, first);
      for (const Encoding& other : others) {
        if (!batch.errors[i]) batch.errors[i] = unfit(model, other);
      }
      if (batch.errors[i]) continue;
      batch.truncated[i] = first.truncated;
      batch.windows.push_back(std::move(first));
      std::move(others.begin(), others.end(), std::back_inserter(batch.windows));
      batch.input_of.resize(batch.windows.size(), i);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) throw;  // that is no fault of the input
      batch.errors[i] = error;
    }
  }
  return batch;
}

EncodedInputs encode_inputs(const Model& model, std::span<const TextInput> inputs,
                            const LengthOptions& length) {
  return encode_inputs(model, inputs.size(),
                       [&](std::size_t i, Encoding& out, EncodeScratch& scratch) {
                         const TextInput& input = inputs[i];
                         if (input.pair) {
                           model.encode_into(out, scratch, input.text, *input.pair, length);
                         } else {
                           model.encode_into(out, scratch, input.text, length);
                         }
                       });
}

void run(const Model& model, const EncodedInputs& batch, Output output, const Model::Sink& sink) {
  if (batch.windows.empty()) return;
  const bool types = model.config().type_vocab > 0;
  std::vector<Sequence> sequences(batch.windows.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    sequences[i].ids = batch.windows[i].ids;
    if (types) sequences[i].type_ids = batch.windows[i].type_ids;
    if (!batch.selected.empty()) sequences[i].selected = batch.selected[i];
  }
  model.run(sequences, output, sink);
}

}  // namespace sapwood::tasks
