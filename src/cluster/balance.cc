// Greedy, both ways: the busiest slot that fits, for the idlest node.
#include "cluster/balance.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <ranges>
#include <utility>

#include "base/assert.h"

namespace playhead {
namespace {

// What a slot weighs beside its load, as a part of the mean slot's: so that idle slots are spread
// too, and an idle cluster's by their number.
constexpr std::uint64_t kSlotPart = 256;

using Slot = std::pair<std::uint64_t, std::uint16_t>;  // its weight, and which it is

class Weights {
 public:
  explicit Weights(const SlotLoads& loads) : loads_(loads) {
    PLAYHEAD_ASSERT(loads.size() == kSlots);
    std::uint64_t sum = 0;
    for (const std::uint32_t load : loads) sum += load;
    base_ = 1 + sum / kSlots / kSlotPart;
  }
  std::uint64_t of(std::uint16_t slot) const { return base_ + loads_[slot]; }

 private:
  const SlotLoads& loads_;
  std::uint64_t base_;
};

// The weight of what each of `nodes` owns.
std::vector<std::uint64_t> sum_up(const SlotMap& map, std::span<const Owner> nodes,
                                  const Weights& weights) {
  std::vector<std::size_t> index;
  for (const Owner& owner : map.owners()) {
    const auto known = std::ranges::find(nodes, owner.session, &Owner::session);
    index.push_back(static_cast<std::size_t>(known - nodes.begin()));
  }
  std::vector<std::uint64_t> out(nodes.size() + 1);  // the last: of strangers
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (const Owner* owner = map.owner_of(slot); owner != nullptr)
      out[index[static_cast<std::size_t>(owner - map.owners().data())]] += weights.of(slot);
  out.pop_back();
  return out;
}

std::vector<Slot> weigh(const SlotSet& slots, const Weights& weights) {
  std::vector<Slot> out;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (slots[slot]) out.emplace_back(weights.of(slot), slot);
  std::ranges::sort(out);
  return out;
}

}  // namespace

std::vector<Move> place(const SlotMap& map, const SlotSet& slots, std::span<const Owner> takers,
                        const SlotLoads& loads) {
  PLAYHEAD_ASSERT(!takers.empty());
  const Weights weights(loads);
  std::vector<std::pair<std::uint64_t, std::uint16_t>> idlest;  // a heap of totals
  for (const std::uint64_t total : sum_up(map, takers, weights))
    idlest.emplace_back(total, static_cast<std::uint16_t>(idlest.size()));
  std::ranges::make_heap(idlest, std::greater{});
  std::vector<Move> moves;
  for (const auto& [weight, slot] : weigh(slots, weights) | std::views::reverse) {
    std::ranges::pop_heap(idlest, std::greater{});
    moves.push_back({.slot = slot, .to = idlest.back().second});
    idlest.back().first += weight;
    std::ranges::push_heap(idlest, std::greater{});
  }
  return moves;
}

SlotSet choose_gives(const SlotMap& map, std::span<const Owner> nodes, std::size_t giver,
                     const SlotLoads& loads, const BalanceOptions& options) {
  const Weights weights(loads);
  std::vector<std::uint64_t> totals = sum_up(map, nodes, weights);
  const std::uint64_t mean =
      std::accumulate(totals.begin(), totals.end(), std::uint64_t{0}) / totals.size();
  const auto is_even = [&](std::uint64_t percent) {
    const auto [low, high] = std::ranges::minmax_element(totals);
    return *high * 100 <= mean * (100 + percent) && *low * 100 >= mean * (100 - percent);
  };
  SlotSet out;
  std::uint64_t& own = totals[giver];
  if (own <= mean || is_even(options.start_percent)) return out;
  std::vector<Slot> slots = weigh(map.slots_of(nodes[giver].session), weights);
  while (own > mean && !slots.empty() && out.count() < options.gives_max &&
         !is_even(options.settle_percent)) {
    std::uint64_t& least = *std::ranges::min_element(totals);
    if (least >= mean) break;
    // The greatest that lets neither pass the mean; if all such are slight, the next one, if that
    // leaves the taker with no more than the giver.
    const std::uint64_t room = std::min(own - mean, mean - least);
    auto slot = std::ranges::upper_bound(slots, room, {}, &Slot::first);
    const bool fits = slot != slots.begin() && std::prev(slot)->first * 2 >= room;
    if (fits || slot == slots.end() || slot->first > (own - least) / 2) {
      if (slot == slots.begin()) break;
      --slot;
    }
    out.set(slot->second);
    own -= slot->first;
    least += slot->first;
    slots.erase(slot);
  }
  return out;
}

void LoadMeter::close(Millis span_ms) {
  PLAYHEAD_ASSERT(span_ms > 0);
  const Millis part_ms = std::min(span_ms, kSmoothingMs);
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const std::int64_t rate = std::int64_t{counts_[slot]} * 1'000'000 / span_ms;
    const std::int64_t was = loads_[slot];
    // A slot that has no past begins with what it shows first.
    const std::int64_t is = was == 0 ? rate : was + (rate - was) * part_ms / kSmoothingMs;
    loads_[slot] = static_cast<std::uint32_t>(
        std::min<std::int64_t>(is, std::numeric_limits<std::uint32_t>::max()));
    counts_[slot] = 0;
  }
}

}  // namespace playhead
