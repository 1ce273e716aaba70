// Running a graph: a loop over its nodes. Nothing is allocated and nothing can fail.
#pragma once

#include "graph/graph.h"
#include "run/team.h"
#include "run/workspace.h"
#include "sapwood/stop_token.h"

namespace sapwood {

// Computes the nodes [0, count) over workspace.batch, which fits its capacity and holds valid ids
// only; team.threads() is no more than that capacity's. Other than `ok` where it was stopped on the
// way: then no value is of use.
RunStatus run_nodes(const Graph& graph, int count, Workspace& workspace, Team& team,
                    const StopToken& stop = {}) noexcept;

// Computes one node, whose inputs have been computed.
void run_node(const Graph& graph, const Node& node, Workspace& workspace, Team& team) noexcept;

}  // namespace sapwood
