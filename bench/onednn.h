// oneDNN's matrix product in each precision, as fast as it can be had: bias and GELU fused, weights
// in its own layout. The only place that knows oneDNN 2 from 3.
#pragma once

#include <dnnl.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "sapwood/kernels/kernels.h"

namespace sapwood::bench {

// y [m, n] = gelu?(x [m, k] w^T + bias). x and w are f32, bf16, or u8 and s8; y is float, or with
// `narrow` of x's type. int8 scales are fixed in advance, so oneDNN quantises nothing at run time.
class OnednnProduct {
 public:
  struct Shape {
    int m, n, k;
    bool gelu, narrow;
  };

  // Null where this oneDNN has no such product for this processor.
  static std::unique_ptr<OnednnProduct> make(kernels::DType type, const Shape& shape) {
    try {
      return std::unique_ptr<OnednnProduct>(new OnednnProduct(type, shape));
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_unimplemented) return nullptr;
      throw;
    }
  }

  std::size_t weight_bytes() const { return description_.weights_desc().get_size(); }

  // Writes w [n, k] in oneDNN's layout and type to `packed`, weight_bytes() long.
  void pack(const float* w, void* packed) {
    using dnnl::memory;
    std::vector<float> scaled;
    if (int8_) {
      scaled.assign(w, w + std::int64_t{n_} * k_);
      for (float& value : scaled) value *= kWeightScale;
      w = scaled.data();
    }
    // w [n, k] row-major is [k, n] column-major.
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
  OnednnProduct(kernels::DType type, const Shape& shape)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        n_(shape.n),
        k_(shape.k),
        int8_(type == kernels::DType::int8) {
    using dnnl::memory;
    using Type = memory::data_type;
    const Type x_type = int8_ ? Type::u8 : type == kernels::DType::bf16 ? Type::bf16 : Type::f32;
    const memory::desc src({shape.m, k_}, x_type, memory::format_tag::ab);
    const memory::desc dst({shape.m, n_}, shape.narrow ? x_type : Type::f32,
                           memory::format_tag::ab);
    const memory::desc weights({k_, n_}, int8_ ? Type::s8 : x_type, memory::format_tag::any);
    const memory::desc bias({1, n_}, Type::f32, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    dnnl::post_ops post;
    const auto append = [&](dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
      post.append_eltwise(algorithm, alpha, beta);
#else
      post.append_eltwise(1.0f, algorithm, alpha, beta);
#endif
    };
    if (shape.gelu) append(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    if (shape.narrow && int8_) append(dnnl::algorithm::eltwise_linear, 32.0f, 8.0f);
    attributes.set_post_ops(post);
#if DNNL_VERSION_MAJOR >= 3
    if (int8_) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 0);
    description_ = dnnl::matmul::primitive_desc(engine_, src, weights, bias, dst, attributes);
#else
    if (int8_) attributes.set_output_scales(0, {kOutputScale});
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
    if (int8_) {
      scale_ = memory({{1}, Type::f32, memory::format_tag::a}, engine_);
      *static_cast<float*>(scale_.get_data_handle()) = kOutputScale;
      arguments_[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scale_;
    }
#endif
  }

  static constexpr float kWeightScale = 800.0f, kOutputScale = 1e-4f;
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
