// What tests of caches are made of: a clock to shift, and pages that are told by the few things
// that matter. For test programs and benchmarks only.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/cache.h"
#include "cache/test_server.h"
#include "runtime/run_to_end.h"

namespace playhead {

/// Why there is no page; none of the reasons if there is one.
template <typename T>
Miss miss_of(const std::expected<T, Miss>& page) {
  return page ? Miss{kMisses} : page.error();
}

/// The machine's clocks, but that the wall clock can be set ahead.
class ShiftedClock final : public Clock {
 public:
  Instant now() const override { return clock_.now() + shift_ms_.load(); }
  Millis monotonic_ms() const override { return clock_.monotonic_ms(); }
  void shift(Millis ms) { shift_ms_ += ms; }

 private:
  SystemClock clock_;
  std::atomic<Millis> shift_ms_ = 0;
};

/// A row of a history: views of a number have the same id and start, whatever else.
inline StoredView make_row(const ProfileRef& profile, std::int64_t number,
                           Playhead playhead = 5'000) {
  constexpr std::int64_t kStartMs = 1'700'000'000'000;
  const std::string view = "0192f3c4-7a61-7cc3-b5d5-" + std::to_string(100'000'000'000 + number);
  const std::string title = "title-" + std::to_string(number % 97);
  StoredView out;
  out.ids = PackedIds({.tenant = profile.tenant,
                       .account = profile.account,
                       .profile = profile.profile,
                       .title = title,
                       .series = "series-7",
                       .view = view,
                       .device = "tv-living-room",
                       .device_type = "tv"});
  // Some start in the same millisecond.
  out.keyed_start = Instant{kStartMs + number / 2 * 60'000};
  out.view.start = out.keyed_start;
  out.view.playhead = playhead;
  out.view.duration = 3'300'000;
  out.view.record = true;
  out.last_arrival = out.keyed_start + playhead;
  out.interval_ms = 10'000;
  return out;
}

inline std::string bytes_of(const StoredView& view) {
  std::string out;
  encode(out, view);
  return out;
}

inline std::vector<std::string> bytes_of(const std::vector<StoredView>& views) {
  std::vector<std::string> out;
  for (const StoredView& view : views) out.push_back(bytes_of(view));
  return out;
}

}  // namespace playhead
