// oneDNN's matrix product with fused bias and GELU, as the benchmarks need it. The only place that
// knows the difference between oneDNN 2 and 3.
#pragma once

#include <dnnl.hpp>
#include <unordered_map>

namespace sapwood::bench {

// y [m, n] = gelu?(x [m, k] w^T + bias) with w [n, k] kept in the layout that oneDNN likes best for
// this shape.
class OnednnProduct {
 public:
  OnednnProduct(int m, int n, int k, bool gelu)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), n_(n), k_(k) {
    using dnnl::memory;
    const auto md = [](int rows, int cols, memory::format_tag tag) {
      return memory::desc({rows, cols}, memory::data_type::f32, tag);
    };
    const memory::desc src = md(m, k, memory::format_tag::ab),
                       dst = md(m, n, memory::format_tag::ab);
    const memory::desc weights = md(k, n, memory::format_tag::any);
    const memory::desc bias = md(1, n, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    if (gelu) {
      dnnl::post_ops post;
#if DNNL_VERSION_MAJOR >= 3
      post.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
#else
      post.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
#endif
      attributes.set_post_ops(post);
    }
#if DNNL_VERSION_MAJOR >= 3
    description_ = dnnl::matmul::primitive_desc(engine_, src, weights, bias, dst, attributes);
#else
    description_ = dnnl::matmul::primitive_desc(dnnl::matmul::desc(src, weights, bias, dst),
                                                attributes, engine_);
#endif
    product_ = dnnl::matmul(description_);
  }

  std::size_t weight_bytes() const { return description_.weights_desc().get_size(); }

  // Writes w [n, k] in oneDNN's layout to `packed`, weight_bytes() long.
  void pack(const float* w, void* packed) {
    using dnnl::memory;
    // w [n, k] row-major is [k, n] column-major.
    memory from({{k_, n_}, memory::data_type::f32, memory::format_tag::ba}, engine_,
                const_cast<float*>(w));
    memory to(description_.weights_desc(), engine_, packed);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  void run(const float* x, const void* packed, const float* bias, float* y) {
    if (!src_) {
      src_ = dnnl::memory(description_.src_desc(), engine_, nullptr);
      weights_ = dnnl::memory(description_.weights_desc(), engine_, nullptr);
      bias_ = dnnl::memory(description_.query_md(dnnl::query::weights_md, 1), engine_, nullptr);
      dst_ = dnnl::memory(description_.dst_desc(), engine_, nullptr);
      arguments_ = {{DNNL_ARG_SRC, src_},
                    {DNNL_ARG_WEIGHTS, weights_},
                    {DNNL_ARG_BIAS, bias_},
                    {DNNL_ARG_DST, dst_}};
    }
    src_.set_data_handle(const_cast<float*>(x));
    weights_.set_data_handle(const_cast<void*>(packed));
    bias_.set_data_handle(const_cast<float*>(bias));
    dst_.set_data_handle(y);
    product_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  int n_, k_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul product_;
  dnnl::memory src_, weights_, bias_, dst_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace sapwood::bench
