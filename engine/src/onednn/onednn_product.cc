#include "onednn/onednn_product.h"

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "sapwood/error.h"
#include "sapwood/kernels/dispatch.h"

// Where oneDNN is built with OpenMP, its products would take all processors. The parts of a product
// are spread over threads here already, so each runs on its own. Null where OpenMP is not loaded.
extern "C" {
[[gnu::weak]] void omp_set_num_threads(int);
[[gnu::weak]] int omp_get_max_threads();
}

namespace sapwood {
namespace {

using dnnl::memory;
using kernels::DType;
using kernels::LinearArgs;
using Tag = memory::format_tag;
using Type = memory::data_type;

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

class OneThread {
 public:
  OneThread() {
    if (omp_set_num_threads == nullptr || omp_get_max_threads == nullptr) return;
    before_ = omp_get_max_threads();
    omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ > 0) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = 0;
};

dnnl::algorithm algorithm_of(kernels::Activation activation) {
  switch (activation) {
    case kernels::Activation::none:
      break;
    case kernels::Activation::gelu:
      return dnnl::algorithm::eltwise_gelu_erf;
    case kernels::Activation::gelu_tanh:
      return dnnl::algorithm::eltwise_gelu_tanh;
    case kernels::Activation::relu:
      return dnnl::algorithm::eltwise_relu;
    case kernels::Activation::tanh:
      return dnnl::algorithm::eltwise_tanh;
    case kernels::Activation::silu:
    case kernels::Activation::quick_gelu:
      return dnnl::algorithm::eltwise_swish;
    case kernels::Activation::gelu_10:
      break;  // GraphBuilder leaves it to our kernels
  }
  return dnnl::algorithm::undef;
}

// swish is x sigmoid(alpha x); to relu, alpha is the slope of negative numbers.
float alpha_of(kernels::Activation activation) {
  if (activation == kernels::Activation::quick_gelu) return 1.702f;
  return activation == kernels::Activation::silu ? 1.0f : 0.0f;
}

// Columns [begin, end) of packed panels as a row-major matrix [end - begin, k].
template <typename Element>
std::vector<Element> unpack(const LinearArgs& args, DType type, int begin, int end) {
  const int per_word = kernels::elements_per_word(type);
  const std::int64_t words = (args.k + per_word - 1) / per_word;
  const auto* panels = static_cast<const Element*>(args.panels);
  std::vector<Element> rows(static_cast<std::size_t>(end - begin) * args.k);
  for (int j = begin; j < end; ++j) {
    const Element* column = panels + (j / kernels::kPanelWidth * words * kernels::kPanelWidth +
                                      j % kernels::kPanelWidth) *
                                         per_word;
    Element* row = rows.data() + static_cast<std::size_t>(j - begin) * args.k;
    for (int i = 0; i < args.k; ++i) {
      row[i] = column[i / per_word * kernels::kPanelWidth * per_word + i % per_word];
    }
  }
  return rows;
}

// Some columns of a product: x [m, k] times w [k, n].
class Part {
 public:
  Part(const LinearArgs& args, DType type, int begin, int end)
      : type_(type), begin_(begin), n_(end - begin), k_(args.k), activation_(args.activation) {
    const Type element = weight_type();
    // The layout that oneDNN prefers for many rows serves all counts of rows.
    constexpr int kRows = 128;
    const memory::desc any({k_, n_}, element, Tag::any);
    weights_md_ = describe(kRows, any).weights_desc();
    weights_ = memory(weights_md_, cpu());
    const auto load = [&](auto rows) {
      // w [n, k] row-major is [k, n] column-major.
      memory plain({{k_, n_}, element, Tag::ba}, cpu(), rows.data());
      dnnl::stream stream(cpu());
      dnnl::reorder(plain, weights_).execute(stream, plain, weights_);
      stream.wait();
    };
    if (type == DType::f32) load(unpack<float>(args, type, begin, end));
    if (type == DType::bf16) load(unpack<kernels::Bf16>(args, type, begin, end));
    if (type == DType::int8) load(unpack<std::int8_t>(args, type, begin, end));
    bias_.assign(static_cast<std::size_t>(n_), 0.0f);
    if (args.bias != nullptr) bias_.assign(args.bias + begin, args.bias + end);
    if (type == DType::int8) {
      scales_.assign(args.scales + begin, args.scales + end);
      sums_.assign(args.sums + begin, args.sums + end);
    }
  }

  void run(const LinearArgs& args, const kernels::KernelTable& kernels,
           OnednnScratch& scratch) const {
    const bool narrow = args.y_type == DType::bf16;
    float* y = static_cast<float*>(args.y) + begin_;
    std::int64_t stride = args.y_stride;
    if (narrow) {
      scratch.floats.resize(static_cast<std::size_t>(args.m) * n_);
      y = scratch.floats.data();
      stride = n_;
    }
    multiply(args, y, stride, scratch.scratchpad);
    if (!narrow) return;
    kernels.to_bf16({.x = y,
                     .y = static_cast<kernels::Bf16*>(args.y) + begin_,
                     .y_stride = args.y_stride,
                     .rows = args.m,
                     .cols = n_});
  }

 private:
  Type weight_type() const {
    return type_ == DType::f32 ? Type::f32 : type_ == DType::bf16 ? Type::bf16 : Type::s8;
  }

  // Integer sums are scaled afterwards, because each row has its scale; floats get bias and
  // activation at once.
  dnnl::matmul::primitive_desc describe(int m, const memory::desc& weights,
                                        std::int64_t x_stride = 0,
                                        std::int64_t y_stride = 0) const {
    const bool integers = type_ == DType::int8;
    const memory::desc src({m, k_}, integers ? Type::u8 : weight_type(),
                           memory::dims{x_stride > 0 ? x_stride : k_, 1});
    const memory::desc dst({m, n_}, integers ? Type::s32 : Type::f32,
                           memory::dims{y_stride > 0 ? y_stride : n_, 1});
    const memory::desc bias = integers ? memory::desc() : memory::desc({1, n_}, Type::f32, Tag::ab);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (!integers && activation_ != kernels::Activation::none) {
      dnnl::post_ops post;
#if DNNL_VERSION_MAJOR >= 3
      post.append_eltwise(algorithm_of(activation_), alpha_of(activation_), 0.0f);
#else
      post.append_eltwise(1.0f, algorithm_of(activation_), alpha_of(activation_), 0.0f);
#endif
      attributes.set_post_ops(post);
    }
#if DNNL_VERSION_MAJOR >= 3
    return {cpu(), src, weights, bias, dst, attributes};
#else
    return {dnnl::matmul::desc(src, weights, bias, dst), attributes, cpu()};
#endif
  }

  // What activates scaled integer sums in place.
  dnnl::eltwise_forward activation_of(const memory::desc& floats) const {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl::eltwise_forward::primitive_desc(cpu(), dnnl::prop_kind::forward_inference,
                                                 algorithm_of(activation_), floats, floats,
                                                 alpha_of(activation_), 0.0f);
#else
    return dnnl::eltwise_forward::primitive_desc(
        {dnnl::prop_kind::forward_inference, algorithm_of(activation_), floats,
         alpha_of(activation_), 0.0f},
        cpu());
#endif
  }

  // A product of so many rows.
  struct Compiled {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul matmul;
    memory::desc floats;  // y
    dnnl::eltwise_forward activation;
  };

  // Made once for each count of rows, because oneDNN compiles for it; forgotten where there are too
  // many. Shared, because another thread may make room meanwhile.
  std::shared_ptr<const Compiled> compiled(const LinearArgs& args, std::int64_t y_stride) const {
    constexpr std::size_t kMost = 256;
    const std::lock_guard lock(mutex_);
    const std::tuple key(args.m, args.x_stride, y_stride);
    if (const auto found = compiled_.find(key); found != compiled_.end()) return found->second;
    if (compiled_.size() >= kMost) compiled_.clear();
    auto made = std::make_shared<Compiled>();
    made->description = describe(args.m, weights_md_, args.x_stride, y_stride);
    made->matmul = dnnl::matmul(made->description);
    made->floats = memory::desc({args.m, n_}, Type::f32, memory::dims{y_stride, 1});
    if (type_ == DType::int8 && activation_ != kernels::Activation::none) {
      made->activation = activation_of(made->floats);
    }
    return compiled_[key] = made;
  }

  void multiply(const LinearArgs& args, float* y, std::int64_t stride,
                std::vector<std::byte>& scratchpad) const {
    const auto product = compiled(args, stride);
    const dnnl::matmul::primitive_desc& description = product->description;
    scratchpad.resize(description.scratchpad_desc().get_size());
    dnnl::stream stream(cpu());
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, memory(description.src_desc(), cpu(), const_cast<void*>(args.x))},
        {DNNL_ARG_WEIGHTS, weights_},
        {DNNL_ARG_DST, memory(description.dst_desc(), cpu(), y)},
        {DNNL_ARG_SCRATCHPAD, memory(description.scratchpad_desc(), cpu(), scratchpad.data())}};
    if (type_ != DType::int8) {
      arguments.emplace(DNNL_ARG_BIAS, memory({{1, n_}, Type::f32, Tag::ab}, cpu(),
                                              const_cast<float*>(bias_.data())));
    }
    product->matmul.execute(stream, arguments);
    stream.wait();
    if (type_ != DType::int8) return;
    scale(args, y, stride);
    if (activation_ == kernels::Activation::none) return;
    memory floats(product->floats, cpu(), y);
    product->activation.execute(stream, {{DNNL_ARG_SRC, floats}, {DNNL_ARG_DST, floats}});
    stream.wait();
  }

  // What stands in y as integers becomes floats, with the bias.
  void scale(const LinearArgs& args, float* y, std::int64_t stride) const {
    for (int i = 0; i < args.m; ++i) {
      const kernels::RowScale x = args.x_scales[i];
      float* row = y + i * stride;
      for (int j = 0; j < n_; ++j) {
        std::int32_t sum;
        std::memcpy(&sum, row + j, sizeof sum);
        row[j] = static_cast<float>(sum - x.zero * sums_[j]) * (x.scale * scales_[j]) + bias_[j];
      }
    }
  }

  DType type_;
  int begin_, n_, k_;
  kernels::Activation activation_;
  memory::desc weights_md_;
  memory weights_;
  std::vector<float> bias_, scales_;
  std::vector<std::int32_t> sums_;
  mutable std::mutex mutex_;
  mutable std::map<std::tuple<int, std::int64_t, std::int64_t>, std::shared_ptr<const Compiled>>
      compiled_;
};

}  // namespace

struct OnednnProduct::Impl {
  const kernels::KernelTable& kernels;
  std::vector<std::unique_ptr<const Part>> parts;
};

OnednnProduct::OnednnProduct(const LinearArgs& args, DType type, int parts,
                             const kernels::KernelTable& kernels) {
  // Without VNNI oneDNN multiplies by VPMADDUBSW, whose sums of 16 bits saturate.
  if (type == DType::int8 && !kernels::cpu_supports(kernels::Isa::avx512_vnni) &&
      !kernels::cpu_supports(kernels::Isa::avx2_vnni)) {
    throw Error(ErrorCode::unsupported,
                "oneDNN's int8 products are not exact on a processor without VNNI: use dense "
                "\"native\", or another dtype");
  }
  auto impl = std::make_unique<Impl>(Impl{kernels, {}});
  const int panels = (args.n + kernels::kPanelWidth - 1) / kernels::kPanelWidth;
  parts = std::min(parts, panels);
  try {
    const OneThread one_thread;
    for (int i = 0; i < parts; ++i) {
      const auto column = [&](int part) {
        return std::min(args.n, panels * part / parts * kernels::kPanelWidth);
      };
      impl->parts.push_back(std::make_unique<const Part>(args, type, column(i), column(i + 1)));
    }
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw Error(ErrorCode::out_of_memory, error.what());
    throw Error(ErrorCode::unsupported,
                std::string("oneDNN has no such product for this processor (") + error.what() +
                    "): use dense \"native\", or dtype \"f32\"");
  }
  impl_ = std::move(impl);
}

OnednnProduct::~OnednnProduct() = default;

int OnednnProduct::parts() const { return static_cast<int>(impl_->parts.size()); }

bool OnednnProduct::run(const LinearArgs& args, int part, OnednnScratch& scratch) const noexcept {
  try {
    const OneThread one_thread;
    impl_->parts[static_cast<std::size_t>(part)]->run(args, impl_->kernels, scratch);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool onednn_has_amx_int8() { return kernels::cpu_has_amx_int8(); }

}  // namespace sapwood
