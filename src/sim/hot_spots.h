// A day of a skewed audience on some nodes, and how much more the busiest of them has to do than
// the mean: with accounts dealt by `account_id mod N`, by slots alone, and by slots and the
// rebalancer.
//
// The audience: accounts of five tenants, numbered each in a way of its own (one after the other,
// multiples of 16, under one prefix, with one ending, by thousands of small brands); the r-th
// busiest reports in proportion to 1 / (r + shift) ^ exponent (Zipf-Mandelbrot), most at its own
// prime time. Pure: a function of the options.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace playhead::sim {

struct DayOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 16;
  std::uint32_t accounts = 1'000'000;
  double exponent = 1.0;
  double shift = 250;
  double reports_per_s = 50'000;  ///< the day's mean
  Millis step_ms = 30'000;        ///< of the meter, and of the rebalancer's rounds
};

/// The busiest node against the mean, in averages of 5 minutes.
struct Peaks {
  double max = 0, p99 = 0, mean = 0;
};

struct HotSpots {
  double hottest_percent = 0;  ///< the busiest account's part of a node's mean load
  Peaks modulo, slots, balanced;
  std::uint64_t moves = 0;            ///< of slots, in the day
  std::uint64_t moves_5_min_max = 0;  ///< in five minutes
};

HotSpots play_day(const DayOptions& options);

}  // namespace playhead::sim
