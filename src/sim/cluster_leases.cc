// Who owns which slot: what leases promise, without their machinery.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "service/handed_slots.h"
#include "sim/cluster_world.h"

namespace playhead::sim {
namespace {

constexpr Millis kLeaseMs = 3'000;
constexpr Millis kRenewMs = 1'000;
constexpr Millis kTakeOverMs = 300;  // beyond a lease's end

Task<> take_slots(Shard& shard, std::vector<SlotEpoch> mine) {
  shard.gain(mine);
  (void)co_await shard.sweep_gained();
}

}  // namespace

ClusterWorld::Node* ClusterWorld::node_of(std::uint64_t session) {
  for (Node& node : nodes_)
    if (node.session == session) return &node;
  return nullptr;
}

ClusterWorld::Node* ClusterWorld::any_taker(const Node* but) {
  std::vector<Node*> takers;
  for (Node& node : nodes_)
    if (&node != but && reachable(node) && node.session != 0 &&
        node.lease_until_ms > timeline_.monotonic_ms())
      takers.push_back(&node);
  return takers.empty() ? nullptr : takers[prng_.below(takers.size())];
}

void ClusterWorld::list_nodes() {
  auto entries = std::make_shared<std::vector<NodeEntry>>();
  for (const Node& node : nodes_)
    if (node.session != 0)
      entries->push_back({.row = {.node = node.name, .session = node.session, .renewal = 1},
                          .note = {.http_address = node.name, .peer_address = node.name}});
  entries_ = entries;
}

// The authority's half of a renewal, and the node's.
void ClusterWorld::renew(Node& node) {
  const Millis now_ms = timeline_.monotonic_ms();
  if (node.session != 0 && now_ms < node.lease_until_ms - kLeaseMs + kRenewMs) return;
  const bool late = troubles_.strikes(Trouble::kLateNews);
  if (node.session != 0 && now_ms >= node.lease_until_ms) {
    if (late) return;  // it goes on believing
    end_session(node);
  }
  if (now_ms < node.cut_until_ms) return;
  if (node.session == 0) {
    node.session = ++sessions_;
    list_nodes();
    trace(node.name + " joins as " + std::to_string(node.session));
  }
  node.lease_until_ms = granted_until_ms_[node.session] = now_ms + kLeaseMs;
  if (!late) hear(node);
  publish(node);
}

void ClusterWorld::end_session(Node& node) {
  trace(node.name + " has lost its lease");
  node.session = 0;
  node.giving.reset();
  node.flushing.reset();
  list_nodes();
  const SlotSet held = std::exchange(node.held, {});
  node.life->fresh.withdraw();
  tell_lost(node, held);
}

void ClusterWorld::publish(Node& node) {
  node.life->fresh.publish(node.map->slots_of(node.session) & ~node.giving, *node.map,
                           node.lease_until_ms);
}

// The node reads who owns what.
void ClusterWorld::hear(Node& node) {
  node.map = map_;
  LeaseStatus status;
  status.map = map_;
  status.nodes = entries_;
  node.life->routing.update(status);
  const SlotSet mine = map_->slots_of(node.session);
  const SlotSet gained = mine & ~node.held, lost = node.held & ~mine;
  node.held = mine;
  if (lost.any()) tell_lost(node, lost);
  if (gained.none()) return;
  publish(node);
  tell_gain(node, gained);
}

void ClusterWorld::tell_gain(Node& node, const SlotSet& slots) {
  ShardThreads& shards = node.life->process->shards();
  std::vector<std::vector<SlotEpoch>> by_shard(shards.count());
  for (const std::uint16_t slot : slots_)
    if (slots[slot])
      by_shard[slot % by_shard.size()].push_back({.slot = slot, .epoch = node.map->epoch_of(slot)});
  for (std::size_t i = 0; i < by_shard.size(); ++i)
    if (!by_shard[i].empty())
      boost::asio::co_spawn(shards.threads().executor(i),
                            take_slots(shards.shard(i), std::move(by_shard[i])),
                            boost::asio::detached);
}

void ClusterWorld::tell_lost(Node& node, const SlotSet& slots) {
  ShardThreads& shards = node.life->process->shards();
  for (const std::uint16_t slot : slots_)
    if (slots[slot])
      shards.threads().post(slot % shards.count(), [&shard = shards.shard(slot % shards.count()),
                                                    slot] { shard.lose({slot}); });
}

void ClusterWorld::give(std::uint16_t slot, Node& to) {
  const Owner taker{.node = to.name, .session = to.session};
  const Move move{.slot = slot, .to = 0};
  map_ = std::make_shared<SlotMap>(map_->with(std::span(&move, 1), std::span(&taker, 1)));
  trace("slot " + std::to_string(slot) + " is given to " + to.name);
}

// Slots of nodes whose leases have ended are others'; what is to be given away is.
void ClusterWorld::authority() {
  for (const std::uint16_t slot : slots_) {
    const Owner* owner = map_->owner_of(slot);
    const bool ended = owner == nullptr ||
                       granted_until_ms_[owner->session] + kTakeOverMs < timeline_.monotonic_ms();
    if (ended) {
      if (Node* taker = any_taker(nullptr)) {
        give(slot, *taker);
        outcome_.taken_over += owner != nullptr;
      }
      continue;
    }
    Node* from = node_of(owner->session);
    if (from == nullptr || !reachable(*from) || !from->held[slot]) continue;
    const bool wanted = from->giving[slot] || troubles_.strikes(Trouble::kHandOver);
    Node* to = wanted ? any_taker(from) : nullptr;
    if (to != nullptr) hand_over(slot, *from, *to);
  }
}

void ClusterWorld::hand_over(std::uint16_t slot, Node& from, Node& to) {
  if (from.flushing[slot]) return;
  from.giving[slot] = from.flushing[slot] = true;
  publish(from);
  const std::uint64_t session = from.session;
  ShardThreads& shards = from.life->process->shards();
  const std::size_t index = slot % shards.count();
  from.life->process->start(index, shards.shard(index).hand_over({slot}),
                            [this, slot, session, &from, &to](std::vector<HandedSlot> handed) {
                              if (from.session != session) return;
                              from.flushing[slot] = false;
                              const Owner* owner = map_->owner_of(slot);
                              if (owner == nullptr || owner->session != session || !reachable(to) ||
                                  to.session == 0 || to.lease_until_ms <= timeline_.monotonic_ms())
                                return;  // it is tried again
                              from.giving[slot] = from.held[slot] = false;
                              give(slot, to);
                              send_along(from, to, std::move(handed));
                            });
}

// It may come before the new owner knows that the slot is his, later, or never.
void ClusterWorld::send_along(Node& from, const Node& to, std::vector<HandedSlot> handed) {
  for (HandedSlot& one : handed) one.epoch = map_->epoch_of(one.slot);
  from.life->process->start(0,
                            from.life->peers.ask(to.name, PeerCall::kHanded, encode_handed(handed),
                                                 Deadline::after(timeline_, kLeaseMs)),
                            [](const Result<std::string>&) {});
}

}  // namespace playhead::sim
