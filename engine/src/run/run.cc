#include "run/run.h"

#include <string>

#include "run/running.h"
#include "sapwood/kernels/processor.h"

namespace sapwood {

void run_node(const Graph& graph, const Node& node, Workspace& workspace, Team& team) noexcept {
  node.run({graph, workspace, team, nullptr});
}

RunStatus run_nodes(const Graph& graph, int count, Workspace& workspace, Team& team,
                    const StopToken& stop) noexcept {
  const Running running{graph, workspace, team, stop.can_stop() ? &stop : nullptr};
  for (int i = 0; i < count; ++i) {
    const RunStatus status = stop.status();
    if (status != RunStatus::ok) return status;
    graph.nodes()[static_cast<std::size_t>(i)].run(running);
  }
  return stop.status();
}

std::string kernel_name(const char* op, kernels::DType type, const kernels::KernelTable& kernels) {
  const std::string name = std::string(op) + "_" + to_string(type);
  return name + "_" + kernels::kernel_set(kernels, name);
}

}  // namespace sapwood
