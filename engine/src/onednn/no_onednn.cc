// In place of onednn_product.cc in a build without oneDNN.
#include "onednn/onednn_product.h"
#include "sapwood/error.h"

namespace sapwood {

struct OnednnProduct::Impl {};

OnednnProduct::OnednnProduct(const kernels::LinearArgs&, kernels::DType, int,
                             const kernels::KernelTable&) {
  throw Error(ErrorCode::unsupported,
              "this build has no oneDNN: use dense \"native\", or build with oneDNN installed and "
              "-DSAPWOOD_ONEDNN=ON");
}
OnednnProduct::~OnednnProduct() = default;
int OnednnProduct::parts() const { return 0; }
bool OnednnProduct::run(const kernels::LinearArgs&, int, OnednnScratch&) const noexcept {
  return false;
}
bool onednn_has_amx_int8() { return false; }

}  // namespace sapwood
