// A dense feedforward layer by oneDNN in each precision, as fast as it can be had: two products,
// GELU fused into the first, intermediate values in the narrow type.
#pragma once

#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "sapwood/kernels/kernels.h"

namespace sapwood::bench {

// y [m, n] = act(x [m, k] w^T + bias): f32 from f32; bf16 or f32 from bf16; u8 or f32 from u8 and
// s8 with scales fixed in advance (so oneDNN has no quantisation to do at run time).
class OnednnTyped {
 public:
  OnednnTyped(kernels::DType type, int m, int n, int k, bool first)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        n_(n),
        k_(k),
        int8_(type == kernels::DType::int8) {
    using dnnl::memory;
    using Type = memory::data_type;
    const bool int8 = type == kernels::DType::int8, bf16 = type == kernels::DType::bf16;
    const Type x_type = int8 ? Type::u8 : bf16 ? Type::bf16 : Type::f32;
    const Type w_type = int8 ? Type::s8 : x_type;
    const memory::desc src({m, k}, x_type, memory::format_tag::ab);
    const memory::desc dst({m, n}, first ? x_type : Type::f32, memory::format_tag::ab);
    const memory::desc weights({k, n}, w_type, memory::format_tag::any);
    const memory::desc bias({1, n}, Type::f32, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    dnnl::post_ops post;
#if DNNL_VERSION_MAJOR >= 3
    if (int8) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 0);
    if (first) post.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    if (first && int8) post.append_eltwise(dnnl::algorithm::eltwise_linear, 32.0f, 8.0f);
    attributes.set_post_ops(post);
    description_ = dnnl::matmul::primitive_desc(engine_, src, weights, bias, dst, attributes);
#else
    if (int8) attributes.set_output_scales(0, {kScale});
    if (first) post.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    if (first && int8) post.append_eltwise(1.0f, dnnl::algorithm::eltwise_linear, 32.0f, 8.0f);
    attributes.set_post_ops(post);
    description_ = dnnl::matmul::primitive_desc(dnnl::matmul::desc(src, weights, bias, dst),
                                                attributes, engine_);
#endif
    product_ = dnnl::matmul(description_);
    src_ = memory(src, engine_, nullptr);
    weights_ = memory(description_.weights_desc(), engine_, nullptr);
    bias_ = memory(bias, engine_, nullptr);
    dst_ = memory(dst, engine_, nullptr);
    arguments_ = {{DNNL_ARG_SRC, src_},
                  {DNNL_ARG_WEIGHTS, weights_},
                  {DNNL_ARG_BIAS, bias_},
                  {DNNL_ARG_DST, dst_}};
#if DNNL_VERSION_MAJOR >= 3
    if (int8) {
      scale_ = memory({{1}, Type::f32, memory::format_tag::a}, engine_);
      *static_cast<float*>(scale_.get_data_handle()) = kScale;
      arguments_[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scale_;
    }
#endif
  }

  std::size_t weight_bytes() const { return description_.weights_desc().get_size(); }

  // Writes w [n, k] in oneDNN's layout and type to `packed`, weight_bytes() long.
  void pack(const float* w, void* packed) {
    using dnnl::memory;
    // w [n, k] row-major is [k, n] column-major. int8 takes a fixed scale for all weights.
    std::vector<float> scaled;
    if (int8_) {
      scaled.assign(w, w + std::int64_t{n_} * k_);
      for (float& value : scaled) value *= 800.0f;
      w = scaled.data();
    }
    memory from({{k_, n_}, memory::data_type::f32, memory::format_tag::ba}, engine_,
                const_cast<float*>(w));
    memory to(description_.weights_desc(), engine_, packed);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  void run(const void* x, const void* packed, const float* bias, void* y) {
    src_.set_data_handle(const_cast<void*>(x));
    weights_.set_data_handle(const_cast<void*>(packed));
    bias_.set_data_handle(const_cast<float*>(bias));
    dst_.set_data_handle(y);
    product_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  static constexpr float kScale = 1e-4f;
  dnnl::engine engine_;
  dnnl::stream stream_;
  int n_, k_;
  bool int8_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul product_;
  dnnl::memory src_, weights_, bias_, dst_, scale_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace sapwood::bench
