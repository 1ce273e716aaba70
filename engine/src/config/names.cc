// The enumerations' names.
#include "sapwood/config.h"

namespace sapwood {

std::string_view to_string(Architecture value) noexcept {
  switch (value) {
    case Architecture::distilbert:
      return "distilbert";
    case Architecture::bert:
      return "bert";
    case Architecture::crammed_bert:
      return "crammedBERT";
  }
  return "unknown";
}

std::string_view to_string(Activation value) noexcept {
  switch (value) {
    case Activation::none:
      return "none";
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_new";
    case Activation::relu:
      return "relu";
    case Activation::tanh:
      return "tanh";
  }
  return "unknown";
}

std::string_view to_string(FeedForwardKind value) noexcept {
  switch (value) {
    case FeedForwardKind::dense:
      return "dense";
    case FeedForwardKind::glu:
      return "glu";
    case FeedForwardKind::fff:
      return "fff";
  }
  return "unknown";
}

std::string_view to_string(PositionKind value) noexcept {
  switch (value) {
    case PositionKind::none:
      return "none";
    case PositionKind::learned:
      return "learned";
    case PositionKind::sinusoidal:
      return "sinusoidal";
    case PositionKind::scaled_sinusoidal:
      return "scaled-sinusoidal";
  }
  return "unknown";
}

std::string_view to_string(HeadKind value) noexcept {
  switch (value) {
    case HeadKind::none:
      return "none";
    case HeadKind::masked_lm:
      return "masked_lm";
    case HeadKind::sequence_classification:
      return "sequence_classification";
    case HeadKind::token_classification:
      return "token_classification";
    case HeadKind::question_answering:
      return "question_answering";
  }
  return "unknown";
}

std::string_view to_string(ProblemType value) noexcept {
  switch (value) {
    case ProblemType::single_label:
      return "single_label_classification";
    case ProblemType::multi_label:
      return "multi_label_classification";
    case ProblemType::regression:
      return "regression";
  }
  return "unknown";
}

std::string_view to_string(PoolingMode value) noexcept {
  switch (value) {
    case PoolingMode::mean:
      return "mean";
    case PoolingMode::cls:
      return "cls";
    case PoolingMode::max:
      return "max";
    case PoolingMode::none:
      return "none";
  }
  return "unknown";
}

}  // namespace sapwood
