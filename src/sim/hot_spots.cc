// Accounts are summed up by slot and by prime time first; then each step of the day is one product.
#include "sim/hot_spots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "base/prng.h"
#include "cluster/balance.h"

namespace playhead::sim {
namespace {

constexpr std::size_t kHours = 24;
constexpr Millis kDayMs = 86'400'000;
constexpr Millis kWindowMs = 300'000;

using ByHour = std::array<float, kHours>;  // what accounts weigh, by the hour of their prime time

struct Audience {
  std::vector<ByHour> slots = std::vector<ByHour>(kSlots), modulo;
  double hottest = 0, sum = 0;
};

struct Name {
  std::string tenant, account;
  std::uint64_t number;  // what `mod N` takes
};

// The accounts of a tenant are numbered as its makers thought best.
Name name_of(std::uint64_t index) {
  const std::uint64_t tenant = index % 5, i = index / 5;
  switch (tenant) {
    case 0:
      return {"sequential", std::to_string(i), i};
    case 1:
      return {"sharded", std::to_string(16 * i), 16 * i};
    case 2:
      return {"prefixed", "subscriber-eu-west-1-" + std::to_string(100'000'000 + i),
              100'000'000 + i};
    case 3:
      return {"suffixed", std::to_string(i) + "00", i * 100};
    default:
      return {"brand-" + std::to_string(i % 5'000), std::to_string(i / 5'000), i / 5'000};
  }
}

Audience gather(const DayOptions& options, Prng& prng) {
  std::vector<std::uint32_t> ranks(options.accounts);
  std::iota(ranks.begin(), ranks.end(), 1U);
  for (std::size_t i = ranks.size(); i > 1; --i) std::swap(ranks[i - 1], ranks[prng.below(i)]);
  Audience out;
  out.modulo.resize(options.nodes);
  for (std::uint32_t i = 0; i < options.accounts; ++i) {
    const Name name = name_of(i);
    const double weight = std::pow(ranks[i] + options.shift, -options.exponent);
    // Tenants live in different time zones, and people keep different hours.
    const std::size_t hour = (15 + 3 * (i % 5) + prng.below(6)) % kHours;
    out.slots[slot_of(name.tenant, name.account)][hour] += static_cast<float>(weight);
    out.modulo[name.number % options.nodes][hour] += static_cast<float>(weight);
    out.hottest = std::max(out.hottest, weight);
    out.sum += weight;
  }
  return out;
}

// What an account watches at each hour, against its day's mean: most in its prime time.
std::array<double, kHours> activity_at(double hour) {
  std::array<double, kHours> out{};
  for (std::size_t prime = 0; prime < kHours; ++prime) {
    const double angle = (hour - static_cast<double>(prime)) * 2 * std::numbers::pi / kHours;
    out[prime] = 0.25 + 2 * std::pow(std::max(0.0, std::cos(angle)), 2) * 0.75 * 2;
  }
  const double mean = 0.25 + 2 * 0.25 * 0.75 * 2;
  for (double& value : out) value /= mean;
  return out;
}

double product(const ByHour& weights, const std::array<double, kHours>& activity) {
  double out = 0;
  for (std::size_t hour = 0; hour < kHours; ++hour) out += double{weights[hour]} * activity[hour];
  return out;
}

// About Poisson: the mean, and noise of its root.
double noisy(double mean, Prng& prng) {
  double normal = -2;  // the sum of four uniform ones has mean 2 and variance 1/3
  for (int i = 0; i < 4; ++i) normal += static_cast<double>(prng.below(1U << 20)) / (1U << 20);
  return std::max(0.0, mean + normal * std::sqrt(3 * mean));
}

// Sums nodes' loads up to windows, and keeps how far the busiest was off.
class Windows {
 public:
  explicit Windows(std::size_t nodes) : totals_(nodes) {}
  void add(std::size_t node, double reports) { totals_[node] += reports; }
  void close() {
    const double sum = std::accumulate(totals_.begin(), totals_.end(), 0.0);
    peaks_.push_back(std::ranges::max(totals_) * static_cast<double>(totals_.size()) / sum);
    std::ranges::fill(totals_, 0);
  }
  Peaks peaks() {
    std::ranges::sort(peaks_);
    return {.max = peaks_.back(),
            .p99 = peaks_[peaks_.size() * 99 / 100],
            .mean = std::accumulate(peaks_.begin(), peaks_.end(), 0.0) /
                    static_cast<double>(peaks_.size())};
  }

 private:
  std::vector<double> totals_;
  std::vector<double> peaks_;
};

std::size_t node_of(const SlotMap& map, std::uint16_t slot) {
  return map.owner_of(slot)->session - 1;
}

// One round in which each node gives what it should; the moves made.
std::uint64_t balance(SlotMap& map, const std::vector<Owner>& nodes, const SlotLoads& loads) {
  std::uint64_t moves = 0;
  for (std::size_t giver = 0; giver < nodes.size(); ++giver) {
    const SlotSet gives = choose_gives(map, nodes, giver, loads, {});
    if (gives.none()) continue;
    std::vector<Owner> takers = nodes;
    takers.erase(takers.begin() + static_cast<std::ptrdiff_t>(giver));
    map = map.with(place(map, gives, takers, loads), takers);
    moves += gives.count();
  }
  return moves;
}

}  // namespace

HotSpots play_day(const DayOptions& options) {
  Prng prng(options.seed);
  const Audience audience = gather(options, prng);
  std::vector<Owner> nodes;
  nodes.reserve(options.nodes);
  for (std::uint32_t i = 0; i < options.nodes; ++i)
    nodes.push_back({.node = "node-" + std::to_string(i), .session = i + 1});
  const SlotMap fixed =
      SlotMap().with(place(SlotMap(), SlotSet().set(), nodes, SlotLoads(kSlots)), nodes);
  SlotMap moving = fixed;
  LoadMeter meter;
  Windows modulo(options.nodes), slots(options.nodes), balanced(options.nodes);
  HotSpots out{.hottest_percent = 100 * audience.hottest * options.nodes / audience.sum};
  const double reports_of_weight =
      options.reports_per_s * static_cast<double>(options.step_ms) / 1'000 / audience.sum;
  std::uint64_t moves_in_window = 0;
  for (Millis at_ms = 0; at_ms < kDayMs; at_ms += options.step_ms) {
    const auto activity = activity_at(static_cast<double>(at_ms) * kHours / kDayMs);
    for (std::size_t node = 0; node < options.nodes; ++node)
      modulo.add(node, reports_of_weight * product(audience.modulo[node], activity));
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
      const double reports =
          noisy(reports_of_weight * product(audience.slots[slot], activity), prng);
      slots.add(node_of(fixed, slot), reports);
      balanced.add(node_of(moving, slot), reports);
      meter.count(slot, static_cast<std::uint32_t>(reports));
    }
    meter.close(options.step_ms);
    const std::uint64_t moves = balance(moving, nodes, meter.loads());
    out.moves += moves;
    moves_in_window += moves;
    if ((at_ms + options.step_ms) % kWindowMs != 0) continue;
    for (Windows* windows : {&modulo, &slots, &balanced}) windows->close();
    out.moves_5_min_max = std::max(out.moves_5_min_max, std::exchange(moves_in_window, 0));
  }
  out.modulo = modulo.peaks();
  out.slots = slots.peaks();
  out.balanced = balanced.peaks();
  return out;
}

}  // namespace playhead::sim
