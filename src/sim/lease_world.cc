// Nodes and what befalls them, and what must hold whatever does.
#include "sim/lease_world.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace playhead::sim {
namespace {

constexpr Millis kFateMs = 500;            // between two looks at what goes wrong next
constexpr Millis kSettleMs = 300'000;      // of calm, after which the cluster must be settled
constexpr Millis kStillMs = 6'000;         // for which nothing moves then
constexpr std::int64_t kDriftMax = 45;     // 1.045 / 0.955 is just under a tenth
constexpr std::uint64_t kOffPercent = 10;  // that a settled node's load may be off the mean

}  // namespace

LeaseWorld::LeaseWorld(LeaseWorldOptions options) : options_(options), prng_(options.seed) {
  const auto set = [&](LeaseFault fault, unsigned usual) {
    per_mille_[static_cast<std::size_t>(fault)] =
        prng_.chance(300) ? 0 : static_cast<unsigned>(1 + prng_.below(std::uint64_t{2} * usual));
  };
  for (const LeaseFault fault : {LeaseFault::kLostRequest, LeaseFault::kLateRequest,
                                 LeaseFault::kLostAnswer, LeaseFault::kSlowRequest})
    set(fault, 40);
  set(LeaseFault::kDoubledAnswer, 30);
  set(LeaseFault::kSlowFlush, 200);
  set(LeaseFault::kSlowGrant, 100);
  for (const LeaseFault fault :
       {LeaseFault::kCutOff, LeaseFault::kPaused, LeaseFault::kSuspended, LeaseFault::kCrashed})
    set(fault, 25);
  for (const LeaseFault fault : {LeaseFault::kRowsAway, LeaseFault::kTwin, LeaseFault::kLeft,
                                 LeaseFault::kSkewed, LeaseFault::kShift})
    set(fault, 12);
  set(LeaseFault::kDrift, 500);
  shift_loads();
  for (std::size_t i = 0; i < options.nodes; ++i) {
    Node& node = *nodes_.emplace_back(std::make_unique<Node>());
    node.name = "node-" + std::to_string(i);
    node.clock_ms = span(10'000, 1'000'000'000);
    if (strikes(LeaseFault::kDrift))
      node.drift_per_mille = (prng_.chance(500) ? 1 : -1) * span(20, kDriftMax + 1);
    timeline_.in(span(0, 3'000), [this, &node] { start(node); });
  }
}

LeaseOutcome LeaseWorld::run() {
  timeline_.in(kFateMs, [this] { fate(); });
  ask_grant();
  while (timeline_.step(options_.faulty_ms) && outcome_.broken.empty()) {
  }
  if (outcome_.broken.empty()) {
    calm();
    const Millis calm_ms = now_ms();
    if (!run_until_settled(kSettleMs)) break_promise("the cluster does not settle");
    outcome_.settled_ms = now_ms() - calm_ms;
    const std::uint64_t maps = outcome_.maps, sessions = outcome_.sessions;
    const Millis still_ms = now_ms() + kStillMs;
    while (timeline_.step(still_ms)) {
    }
    if (outcome_.maps != maps) break_promise("slots move although all is settled");
    if (outcome_.sessions != sessions) break_promise("a session ends although all is settled");
  }
  return outcome_;
}

LostNode LeaseWorld::lose_one(bool in_order) {
  calm_ = true;
  if (!run_until_settled(kSettleMs)) break_promise("the cluster does not settle");
  const Millis until_ms = now_ms() + span(0, 3'000);
  while (timeline_.step(until_ms)) {
  }
  Node& lost = any_node();
  const Millis lost_ms = now_ms();
  if (in_order) {
    lost.leaving = true;
    after(lost, lost.lease->leave(local_ms(lost)));
  } else {
    stop(lost);
  }
  LostNode out;
  std::vector<Millis> answered_ms(kSlots, lost_ms);
  const auto is_over = [&](const SlotSet& now) {
    return now.all() && (!lost.lease || lost.lease->answering().none());
  };
  for (SlotSet now; !is_over(now) && now_ms() < lost_ms + kSettleMs;) {
    timeline_.step(now_ms() + 10);
    now = answered();
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
      out.slot_ms_longest = std::max(out.slot_ms_longest, now_ms() - answered_ms[slot]);
      if (now[slot]) answered_ms[slot] = now_ms();
    }
  }
  out.over_ms = now_ms() - lost_ms;
  return out;
}

// ---- Processes ----------------------------------------------------------------------------------

Millis LeaseWorld::local_ms(const Node& node) const {
  return node.clock_ms + now_ms() + now_ms() * node.drift_per_mille / 1'000;
}

LeaseWorld::Node& LeaseWorld::any_node() { return *nodes_[prng_.below(nodes_.size())]; }

void LeaseWorld::start(Node& node) {
  if (node.lease || node.twin) return;
  ++node.life;
  node.lease = std::make_unique<Lease>(options_.lease, node.name, prng_.next());
  node.lease->set_loads(loads_);
  node.leaving = false;
  trace(node, "starts", node.life);
  after(node, node.lease->tick(local_ms(node)));
}

void LeaseWorld::stop(Node& node) {
  ++node.life;
  node.lease.reset();
  node.paused = node.suspended = false;
  node.waiting.clear();
  node.armed_ms = -1;
  node.loaded = {};
  node.loading.reset();
  node.map_version = node.session = 0;
  trace(node, "stops", node.life);
}

void LeaseWorld::pause(Node& node, Millis span_ms, bool suspended) {
  node.paused = true;
  node.suspended = suspended;
  trace(node, "pauses", static_cast<std::uint64_t>(span_ms));
  const std::uint64_t life = node.life;
  timeline_.in(span_ms, [this, &node, life] {
    if (node.life == life) wake(node);
  });
}

void LeaseWorld::wake(Node& node) {
  if (!node.paused) return;
  trace(node, "wakes", node.waiting.size());
  node.paused = node.suspended = false;
  for (auto& what : std::exchange(node.waiting, {})) what();
  after(node, node.lease->tick(local_ms(node)));
}

// Carries out what a lease wants, and looks at what it now believes.
void LeaseWorld::after(Node& node, const std::vector<LeaseOrder>& orders) {
  for (const LeaseOrder& order : orders) {
    trace(node, "orders", order.what.index());
    send(node, order);
  }
  check(node);
  if (node.lease->has_left()) {
    const Millis back_ms = span(500, 5'000);
    stop(node);
    if (!calm_) timeline_.in(back_ms, [this, &node] { start(node); });
    return;
  }
  arm(node);
}

void LeaseWorld::arm(Node& node) {
  const Millis local = local_ms(node), wait_ms = std::max<Millis>(node.lease->next_ms() - local, 1);
  if (node.lease->next_ms() == std::numeric_limits<Millis>::max()) return;
  const Millis at_ms = now_ms() + 1 + wait_ms * 1'000 / (1'000 + node.drift_per_mille);
  if (node.armed_ms >= 0 && node.armed_ms <= at_ms) return;
  node.armed_ms = at_ms;
  timeline_.in(at_ms - now_ms(), [this, &node, life = node.life, at_ms] {
    if (node.life != life || node.armed_ms != at_ms) return;
    node.armed_ms = -1;
    if (!node.paused) after(node, node.lease->tick(local_ms(node)));
  });
}

// ---- What goes wrong ----------------------------------------------------------------------------

bool LeaseWorld::strikes(LeaseFault fault) {
  if (calm_ || !prng_.chance(per_mille_[static_cast<std::size_t>(fault)])) return false;
  count(fault);
  return true;
}

void LeaseWorld::fate() {
  if (calm_) return;
  timeline_.in(kFateMs, [this] { fate(); });
  for (const LeaseFault fault : {LeaseFault::kCutOff, LeaseFault::kRowsAway, LeaseFault::kPaused,
                                 LeaseFault::kSuspended, LeaseFault::kCrashed, LeaseFault::kTwin,
                                 LeaseFault::kLeft, LeaseFault::kSkewed, LeaseFault::kShift}) {
    Node& node = any_node();
    const bool may = node.lease && !node.paused && !(fault == LeaseFault::kTwin && node.twin);
    if (may && strikes(fault)) befall(fault, node);
  }
}

void LeaseWorld::befall(LeaseFault fault, Node& node) {
  switch (fault) {
    case LeaseFault::kCutOff:
      node.cut_until_ms = now_ms() + span(500, 8'000);
      return;
    case LeaseFault::kRowsAway:
      away_until_ms_ = now_ms() + span(500, 6'000);
      return;
    case LeaseFault::kPaused:
      return pause(node, span(1'000, 15'000), false);
    case LeaseFault::kSuspended:
      return pause(node, span(1'000, 15'000), true);
    case LeaseFault::kCrashed:
      stop(node);
      timeline_.in(span(100, 8'000), [this, &node] { start(node); });
      return;
    case LeaseFault::kTwin:
      return replace(node);
    case LeaseFault::kLeft:
      node.leaving = true;
      return after(node, node.lease->leave(local_ms(node)));
    case LeaseFault::kSkewed:
      timeline_.in(span(1'000, 10'000), [this, &node, life = node.life] {
        if (node.life != life) return;
        deliver(node, life, From::kHere, 0,
                [](Lease& lease, Millis local) { return lease.clock_skew(local, 0); });
      });
      return after(node, node.lease->clock_skew(local_ms(node),
                                                (prng_.chance(500) ? 1 : -1) * span(501, 5'000)));
    case LeaseFault::kShift:
      return shift_loads();
    default:
      return;
  }
}

// The process hangs and is given up for dead; another starts under its name, on another machine.
void LeaseWorld::replace(Node& node) {
  Node& other = *nodes_.emplace_back(std::make_unique<Node>());
  other.name = node.name;
  other.clock_ms = span(10'000, 1'000'000'000);
  node.twin = true;
  pause(node, span(1'000, 15'000), false);
  timeline_.in(span(100, 3'000), [this, &other] { start(other); });
}

void LeaseWorld::shift_loads() {
  for (std::uint32_t& load : loads_) load = static_cast<std::uint32_t>(prng_.below(4'000));
  for (int i = 0; i < 40; ++i) loads_[prng_.below(kSlots)] *= 4;
  for (const auto& node : nodes_)
    if (node->lease) node->lease->set_loads(loads_);
}

// Nothing goes wrong any more, and what did is mended; each name has one process.
void LeaseWorld::calm() {
  calm_ = true;
  away_until_ms_ = 0;
  for (const auto& node : nodes_) {
    node->cut_until_ms = 0;
    if (node->twin || node->leaving) stop(*node);
    if (node->paused) wake(*node);
    if (!node->lease)
      start(*node);
    else
      after(*node, node->lease->clock_skew(local_ms(*node), 0));
  }
}

// ---- What must hold -----------------------------------------------------------------------------

// After each step of `node`, the only one whose belief has grown.
void LeaseWorld::check(Node& node) {
  const Lease& lease = *node.lease;
  const Millis local = local_ms(node);
  if (lease.map()->version() < node.map_version)
    break_promise(node.name + " goes back to an older map");
  if (lease.session() != node.session) trace(node, "session", lease.session());
  node.map_version = lease.map()->version();
  node.session = lease.session();
  for (std::uint16_t slot = 0; slot < kWatched; ++slot)
    if (lease.may_answer_fresh(slot, local) && !node.loading[slot] &&
        node.loaded[slot] != lease.map()->epoch_of(slot))
      load(node, slot);
  if (local >= lease.fresh_until_ms()) return;
  for (const auto& other : nodes_) {
    if (other.get() == &node || !other->lease) continue;
    const Lease& their = *other->lease;
    // Who has the same map and another session answers for other slots.
    if (local_ms(*other) >= their.fresh_until_ms() ||
        (their.map() == lease.map() && their.session() != lease.session()))
      continue;
    const SlotSet both = lease.answering() & their.answering();
    if (both.any())
      break_promise(node.name + " and " + other->name + " both answer as fresh for " +
                    std::to_string(both.count()) + " slots");
  }
}

SlotSet LeaseWorld::answered() const {
  SlotSet all;
  for (const auto& node : nodes_)
    if (node->lease && local_ms(*node) < node->lease->fresh_until_ms())
      all |= node->lease->answering();
  return all;
}

bool LeaseWorld::is_settled() const {
  std::vector<std::uint64_t> totals;
  for (const auto& node : nodes_) {
    if (node->twin) continue;
    if (!node->lease || local_ms(*node) >= node->lease->fresh_until_ms()) return false;
    if (node->lease->map() != map_ || node->lease->answering().none()) return false;
    std::uint64_t& total = totals.emplace_back();
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      if (node->lease->answering()[slot]) total += loads_[slot];
  }
  if (totals.size() != options_.nodes || !answered().all()) return false;
  const auto [low, high] = std::ranges::minmax(totals);
  const std::uint64_t sum = std::accumulate(totals.begin(), totals.end(), std::uint64_t{0});
  const std::uint64_t mean = sum / totals.size();
  return high * 100 <= mean * (100 + kOffPercent) && low * 100 >= mean * (100 - kOffPercent);
}

bool LeaseWorld::run_until_settled(Millis within_ms) {
  const Millis until_ms = now_ms() + within_ms;
  // Settled is who has nothing to move in two rounds of the rebalancer.
  while (now_ms() < until_ms && outcome_.broken.empty()) {
    const std::uint64_t maps = outcome_.maps;
    const Millis round_ms = now_ms() + 2 * options_.lease.balance_interval_ms;
    while (timeline_.step(round_ms)) {
    }
    if (is_settled() && outcome_.maps == maps) return true;
  }
  return false;
}

void LeaseWorld::trace(const Node& node, const char* what, std::uint64_t value) {
  std::uint64_t& hash = outcome_.trace_hash;
  for (const std::uint64_t part : {static_cast<std::uint64_t>(now_ms()),
                                   std::uint64_t(what[0]) << 8 | std::uint64_t(what[1]), value})
    hash = Prng(hash ^ part).next();
  if (options_.verbose)
    std::printf("%8lld %s %s %llx\n", static_cast<long long>(now_ms()), node.name.c_str(), what,
                static_cast<unsigned long long>(value));
}

void LeaseWorld::break_promise(const std::string& what) {
  if (options_.verbose)
    std::printf("%8lld BROKEN: %s\n", static_cast<long long>(now_ms()), what.c_str());
  outcome_.broken.push_back("at " + std::to_string(now_ms()) + " ms: " + what);
}

}  // namespace playhead::sim
