// What a node knows of the others, for tests that ask who owns a slot.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/lease_keeper.h"

namespace playhead {

/// All of `nodes` are there, with the peer address NAME:1, and own the slots that `moves` give
/// them.
inline LeaseStatus status_of(std::span<const Owner> nodes, std::span<const Move> moves) {
  LeaseStatus out;
  out.map = std::make_shared<SlotMap>(SlotMap().with(moves, nodes));
  auto entries = std::make_shared<std::vector<NodeEntry>>();
  for (const Owner& node : nodes) {
    NodeEntry& entry = entries->emplace_back();
    entry.row.node = node.node;
    entry.row.session = node.session;
    entry.note.peer_address = node.node + ":1";
  }
  out.nodes = std::move(entries);
  return out;
}

}  // namespace playhead
