// The slot map's row and the nodes' rows, as LWT and SERIAL reads show them: each change happens at
// one moment, or not; who asked may never know which. And grants, which are stored beside them.
#include <algorithm>

#include "sim/lease_world.h"

namespace playhead::sim {
namespace {

constexpr Millis kTimeoutMs = 1'000;  // after which a request's fate is uncertain

}  // namespace

void LeaseWorld::send(Node& node, const LeaseOrder& order) {
  if (std::holds_alternative<Flush>(order.what)) return flush(node, order.ticket);
  const std::uint64_t life = node.life;
  // What is uncertain, and whoever gets another answer before takes no notice of it.
  deliver(node, life, From::kHere, kTimeoutMs, [order](Lease& lease, Millis local_ms) {
    if (std::holds_alternative<ReadMap>(order.what))
      return lease.map_read(local_ms, order.ticket, std::nullopt);
    if (std::holds_alternative<ReadRows>(order.what))
      return lease.rows_read(local_ms, order.ticket, std::nullopt);
    return lease.changed(local_ms, order.ticket, LeaseChange::kUncertain);
  });
  if (now_ms() < node.cut_until_ms || now_ms() < away_until_ms_) return;
  if (strikes(LeaseFault::kLostRequest)) return;
  Millis out_ms = span(1, 20);
  if (strikes(LeaseFault::kSlowRequest)) out_ms = span(200, kTimeoutMs);
  if (strikes(LeaseFault::kLateRequest)) out_ms = span(kTimeoutMs, 8'000);
  timeline_.in(out_ms, [this, &node, life, order] { arrive(node, life, order); });
}

void LeaseWorld::arrive(Node& node, std::uint64_t life, const LeaseOrder& order) {
  if (now_ms() < away_until_ms_) return;
  Answer answer = apply(order);
  if (now_ms() < node.cut_until_ms || strikes(LeaseFault::kLostAnswer)) return;
  if (strikes(LeaseFault::kDoubledAnswer))
    deliver(node, life, From::kRows, span(100, 5'000), answer);
  deliver(node, life, From::kRows, span(1, 20), std::move(answer));
}

LeaseWorld::Answer LeaseWorld::apply(const LeaseOrder& order) {
  const std::uint64_t ticket = order.ticket;
  if (std::holds_alternative<ReadMap>(order.what))
    return [ticket, map = map_->version() == 0 ? nullptr : map_](Lease& lease, Millis local_ms) {
      return lease.map_read(local_ms, ticket, map);
    };
  if (std::holds_alternative<ReadRows>(order.what)) {
    std::vector<NodeRow> rows;
    rows.reserve(rows_.size());
    for (const auto& [name, row] : rows_) rows.push_back(row);
    return [ticket, rows = std::move(rows)](Lease& lease, Millis local_ms) {
      return lease.rows_read(local_ms, ticket, rows);
    };
  }
  const auto* row = std::get_if<ChangeRow>(&order.what);
  const bool applied = row != nullptr ? apply(*row) : apply(std::get<ChangeMap>(order.what));
  return [ticket, applied](Lease& lease, Millis local_ms) {
    return lease.changed(local_ms, ticket, applied ? LeaseChange::kApplied : LeaseChange::kRefused);
  };
}

bool LeaseWorld::apply(const ChangeRow& change) {
  const auto known = rows_.find(change.to.node);
  const auto is = known == rows_.end() ? std::nullopt : std::optional(known->second);
  if (is != change.from) return false;
  if (!is || is->session != change.to.session)
    ++outcome_.sessions;
  else if (change.to.over)
    ++(change.to.renewal == is->renewal ? outcome_.ended_by_others : outcome_.left);
  rows_[change.to.node] = change.to;
  return true;
}

bool LeaseWorld::apply(const ChangeMap& change) {
  if (change.to->version() != map_->version() + 1) return false;
  if (const auto good = check_successor(*map_, *change.to); !good)
    break_promise("a map that is no successor: " + good.error().detail);
  map_ = change.to;
  ++outcome_.maps;
  return true;
}

// A process that is stopped gets it when it goes on; a machine that sleeps, never.
void LeaseWorld::deliver(Node& node, std::uint64_t life, From from, Millis in_ms, Answer answer) {
  timeline_.in(in_ms, [this, &node, life, from, answer = std::move(answer)] {
    if (node.life != life) return;
    if (!node.paused) return after(node, answer(*node.lease, local_ms(node)));
    if (!node.suspended || from == From::kHere)
      node.waiting.push_back(
          [this, &node, life, answer] { deliver(node, life, From::kHere, 0, answer); });
  });
}

void LeaseWorld::flush(Node& node, std::uint64_t ticket) {
  const Millis takes_ms = strikes(LeaseFault::kSlowFlush) ? span(1'000, 6'000) : span(5, 100);
  deliver(node, node.life, From::kHere, takes_ms,
          [ticket](Lease& lease, Millis local_ms) { return lease.flushed(local_ms, ticket); });
}

// ---- Grants: stored, then the lease is checked, then they are answered
// ----------------------------

// A new owner reads what its predecessors have granted, before it grants anything.
void LeaseWorld::load(Node& node, std::uint16_t slot) {
  node.loading.set(slot);
  const std::uint64_t life = node.life, epoch = node.lease->map()->epoch_of(slot);
  timeline_.in(span(1, 50), [this, &node, life, slot, epoch] {
    if (node.life != life) return;
    node.loading.reset(slot);
    node.loaded[slot] = epoch;
    loads_of_[slot].push_back({.epoch = epoch, .at_ms = now_ms()});
  });
}

void LeaseWorld::ask_grant() {
  timeline_.in(span(50, 200), [this] { ask_grant(); });
  const auto slot = static_cast<std::uint16_t>(prng_.below(kWatched));
  for (const auto& owner : nodes_) {
    Node& node = *owner;
    if (!node.lease || node.paused || !node.lease->may_answer_fresh(slot, local_ms(node))) continue;
    const Grant grant{.slot = slot, .epoch = node.lease->map()->epoch_of(slot)};
    if (node.loaded[slot] != grant.epoch) continue;
    const std::uint64_t life = node.life;
    const Millis out_ms = strikes(LeaseFault::kSlowGrant) ? span(500, 6'000) : span(1, 30);
    timeline_.in(out_ms, [this, &node, life, grant] {
      Grant stored = grant;
      stored.stored_ms = now_ms();
      deliver(node, life, From::kRows, span(1, 30), [this, &node, stored](Lease&, Millis) {
        answer_grant(node, stored);
        return std::vector<LeaseOrder>{};
      });
    });
    return;
  }
}

void LeaseWorld::answer_grant(Node& node, const Grant& grant) {
  const bool checked = node.lease->may_answer_fresh(grant.slot, local_ms(node)) &&
                       node.lease->map()->epoch_of(grant.slot) == grant.epoch;
  ++(checked ? outcome_.answered_grants : outcome_.unchecked_grants);
  if (!checked) return;
  for (const Load& load : loads_of_[grant.slot])
    if (load.epoch > grant.epoch && load.at_ms < grant.stored_ms)
      break_promise("slot " + std::to_string(grant.slot) + ": the owner of epoch " +
                    std::to_string(load.epoch) + " loaded before a grant was stored that " +
                    node.name + " answers as checked");
}

}  // namespace playhead::sim
