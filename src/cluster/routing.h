// Which node answers for a slot, as this one last read it: what is asked for each report.
//
// Concurrency: update() from one thread at a time, the rest from any.
// Invariant: a PeerNode that was given out lives as long as the routing.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/lease_keeper.h"

namespace playhead {

/// Another node, as it is reached.
struct PeerNode {
  std::string node, peer_address, http_address;
  /// On Clock::monotonic_ms(): it did not answer, and is not asked before.
  std::atomic<Millis> silent_until_ms{0};
  /// When it last answered anything that was passed on.
  std::atomic<Millis> answered_ms{0};
  /// As silent_until_ms: it gave back what this node, without a lease, had of its own.
  std::atomic<Millis> gives_back_until_ms{0};
};

class Routing {
 public:
  /// A node that did not answer is left alone for so long.
  static constexpr Millis kSilenceMs = 500;

  /// `self`: this node's name. `fresh`: what its lease allows; it outlives the routing.
  Routing(std::string self, const FreshSlots& fresh) : self_(std::move(self)), fresh_(fresh) {}

  void update(const LeaseStatus& status);
  /// Who is to be asked on the slot: its owner; by a node without a lease, which may not know who
  /// that is by now, and perhaps does not reach the store either, any other one if not that.
  /// Null: this node itself.
  PeerNode* whom_to_ask(std::uint16_t slot, Millis now_ms) {
    PeerNode* owner = owner_of(slot, now_ms);
    if (owner != nullptr || now_ms < fresh_.fresh_until_ms()) return owner;
    return any_other(slot, now_ms);
  }
  /// Null: the slot is this node's, or nobody's, or its owner's who does not answer.
  PeerNode* owner_of(std::uint16_t slot, Millis now_ms) const {
    PeerNode* peer = owners_[slot].load(std::memory_order_acquire);
    if (peer == nullptr || now_ms < peer->silent_until_ms.load(std::memory_order_relaxed))
      return nullptr;
    return peer;
  }
  static void fell_silent(PeerNode& peer, Millis now_ms) {
    peer.silent_until_ms.store(now_ms + kSilenceMs, std::memory_order_relaxed);
  }
  static void gave_back(PeerNode& peer, Millis now_ms) {
    peer.gives_back_until_ms.store(now_ms + kSilenceMs, std::memory_order_relaxed);
  }
  /// Whether what node `sender` passes on is to be taken here. Not what is its own, as far as this
  /// node knows: its lease has run out, but nobody has ended its session, and here it would be a
  /// part that has to go back to it. And without a lease only what is this node's: of all else
  /// whoever passes it on knows more, for it may be his.
  bool may_take(std::uint16_t slot, std::string_view sender, Millis now_ms) const {
    const PeerNode* owner = owners_[slot].load(std::memory_order_acquire);
    return owner == nullptr || (now_ms < fresh_.fresh_until_ms() && owner->node != sender);
  }
  const std::string& self() const { return self_; }

 private:
  PeerNode* peer_of(const NodeEntry& entry);
  PeerNode* any_other(std::uint16_t slot, Millis now_ms);

  const std::string self_;
  const FreshSlots& fresh_;
  std::uint64_t version_ = 0;
  std::shared_ptr<const std::vector<NodeEntry>> nodes_;
  std::deque<PeerNode> peers_;  ///< also those of former addresses: nodes are few, and seldom move
  std::array<std::atomic<PeerNode*>, kSlots> owners_{};
  std::mutex mutex_;
  std::vector<PeerNode*> others_;  ///< nodes whose sessions last; under `mutex_`
};

}  // namespace playhead
