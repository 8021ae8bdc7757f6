// The slot map and the nodes' rows, joined.
#include "cluster/routing.h"

#include <algorithm>

namespace playhead {

PeerNode* Routing::peer_of(const NodeEntry& entry) {
  const auto found = std::ranges::find_if(peers_, [&](const PeerNode& peer) {
    return peer.node == entry.row.node && peer.peer_address == entry.note.peer_address &&
           peer.http_address == entry.note.http_address;
  });
  if (found != peers_.end()) return &*found;
  PeerNode& peer = peers_.emplace_back();
  peer.node = entry.row.node;
  peer.peer_address = entry.note.peer_address;
  peer.http_address = entry.note.http_address;
  return &peer;
}

// All that is of one slot goes to one node, as long as that answers.
PeerNode* Routing::any_other(std::uint16_t slot, Millis now_ms) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < others_.size(); ++i) {
    PeerNode* other = others_[(slot + i) % others_.size()];
    if (now_ms >= other->silent_until_ms.load(std::memory_order_relaxed) &&
        now_ms >= other->gives_back_until_ms.load(std::memory_order_relaxed))
      return other;
  }
  return nullptr;
}

void Routing::update(const LeaseStatus& status) {
  if (status.map == nullptr || status.nodes == nullptr) return;
  if (status.map->version() == version_ && status.nodes == nodes_) return;
  version_ = status.map->version();
  nodes_ = status.nodes;
  std::vector<PeerNode*> others;
  for (const NodeEntry& entry : *status.nodes)
    if (entry.row.node != self_ && !entry.row.over && !entry.note.peer_address.empty())
      others.push_back(peer_of(entry));
  {
    const std::scoped_lock lock(mutex_);
    others_ = std::move(others);
  }
  std::vector<PeerNode*> by_owner;
  for (const Owner& owner : status.map->owners()) {
    const auto entry = std::ranges::find_if(*status.nodes, [&](const NodeEntry& node) {
      return node.row.session == owner.session && node.row.node == owner.node && !node.row.over;
    });
    const bool other = entry != status.nodes->end() && owner.node != self_;
    by_owner.push_back(other && !entry->note.peer_address.empty() ? peer_of(*entry) : nullptr);
  }
  const auto owners = status.map->owners();
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    const Owner* owner = status.map->owner_of(slot);
    owners_[slot].store(
        owner == nullptr ? nullptr : by_owner[static_cast<std::size_t>(owner - owners.data())],
        std::memory_order_release);
  }
}

}  // namespace playhead
