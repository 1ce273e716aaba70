// Running a graph: a loop over its nodes. Nothing is allocated and nothing can fail.
#pragma once

#include "graph/graph.h"
#include "run/team.h"
#include "run/workspace.h"

namespace sapwood {

// Computes the nodes [0, count) over workspace.batch, which fits the graph's capacity and holds
// valid ids only.
void run_nodes(const Graph& graph, int count, Workspace& workspace, Team& team) noexcept;

// Computes one node, whose inputs have been computed.
void run_node(const Graph& graph, const Node& node, Workspace& workspace, Team& team) noexcept;

}  // namespace sapwood
