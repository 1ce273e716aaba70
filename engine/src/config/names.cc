// The enumerations' names.
#include "sapwood/compute.h"
#include "sapwood/config.h"

namespace sapwood {

EnumNames names_of(Activation) noexcept {
  static constexpr NamedValue kNames[] = {{"none", Activation::none},
                                          {"gelu", Activation::gelu},
                                          {"gelu_new", Activation::gelu_tanh},
                                          {"relu", Activation::relu},
                                          {"tanh", Activation::tanh},
                                          {"silu", Activation::silu},
                                          {"quick_gelu", Activation::quick_gelu},
                                          {"gelu_10", Activation::gelu_10}};
  return {"activation", kNames};
}

EnumNames names_of(FeedForwardKind) noexcept {
  static constexpr NamedValue kNames[] = {{"dense", FeedForwardKind::dense},
                                          {"glu", FeedForwardKind::glu},
                                          {"fff", FeedForwardKind::fff}};
  return {"feedforward", kNames};
}

EnumNames names_of(PositionKind) noexcept {
  static constexpr NamedValue kNames[] = {{"none", PositionKind::none},
                                          {"learned", PositionKind::learned},
                                          {"sinusoidal", PositionKind::sinusoidal},
                                          {"scaled-sinusoidal", PositionKind::scaled_sinusoidal},
                                          {"rotary", PositionKind::rotary}};
  return {"positions", kNames};
}

EnumNames names_of(HeadKind) noexcept {
  static constexpr NamedValue kNames[] = {
      {"none", HeadKind::none},
      {"masked_lm", HeadKind::masked_lm},
      {"sequence_classification", HeadKind::sequence_classification},
      {"token_classification", HeadKind::token_classification},
      {"question_answering", HeadKind::question_answering},
      {"replaced_token_detection", HeadKind::replaced_token_detection}};
  return {"head", kNames};
}

EnumNames names_of(ProblemType) noexcept {
  static constexpr NamedValue kNames[] = {
      {"single_label_classification", ProblemType::single_label},
      {"multi_label_classification", ProblemType::multi_label},
      {"regression", ProblemType::regression}};
  return {"problem type", kNames};
}

EnumNames names_of(PoolingMode) noexcept {
  static constexpr NamedValue kNames[] = {{"mean", PoolingMode::mean},
                                          {"cls", PoolingMode::cls},
                                          {"max", PoolingMode::max},
                                          {"none", PoolingMode::none},
                                          {"mean_sqrt_len_tokens", PoolingMode::mean_sqrt_len},
                                          {"weightedmean", PoolingMode::weighted_mean},
                                          {"lasttoken", PoolingMode::last_token}};
  return {"pooling", kNames};
}

EnumNames names_of(Similarity) noexcept {
  static constexpr NamedValue kNames[] = {{"cosine", Similarity::cosine},
                                          {"dot", Similarity::dot},
                                          {"euclidean", Similarity::euclidean},
                                          {"manhattan", Similarity::manhattan}};
  return {"similarity", kNames};
}

EnumNames names_of(Route) noexcept {
  static constexpr NamedValue kNames[] = {{"query", Route::query}, {"document", Route::document}};
  return {"route", kNames};
}

EnumNames names_of(PairScore) noexcept {
  static constexpr NamedValue kNames[] = {{"sigmoid", PairScore::sigmoid}, {"raw", PairScore::raw}};
  return {"score", kNames};
}

EnumNames names_of(Isa) noexcept {
  static constexpr NamedValue kNames[] = {{"auto", Isa::automatic},
                                          {"scalar", Isa::scalar},
                                          {"avx2", Isa::avx2},
                                          {"avx2_vnni", Isa::avx2_vnni},
                                          {"avx512", Isa::avx512},
                                          {"avx512_vnni", Isa::avx512_vnni},
                                          {"avx512_bf16", Isa::avx512_bf16},
                                          {"avx512_intel", Isa::avx512_intel}};
  return {"instruction set", kNames};
}

EnumNames names_of(WeightType) noexcept {
  static constexpr NamedValue kNames[] = {{"auto", WeightType::automatic},
                                          {"f32", WeightType::f32},
                                          {"bf16", WeightType::bf16},
                                          {"int8", WeightType::int8}};
  return {"type of weights", kNames};
}

EnumNames names_of(DenseProducts) noexcept {
  static constexpr NamedValue kNames[] = {{"auto", DenseProducts::automatic},
                                          {"native", DenseProducts::native},
                                          {"onednn", DenseProducts::onednn}};
  return {"dense products", kNames};
}

}  // namespace sapwood
