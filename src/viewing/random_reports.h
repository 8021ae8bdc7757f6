// Reports as no sane player sends them, for the property tests of viewing/: times and sequences
// collide, playheads are missing, and some come twice and late.
#pragma once

#include <cstdlib>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "viewing/viewing_test_kit.h"

namespace playhead::testing {

// The same cases in each run, unless the environment asks for others.
[[maybe_unused]] inline const int kSeeded = setenv("RC_PARAMS", "seed=1 max_success=3000", 0);

inline Report random_report(Prng& prng) {
  Report report = say(static_cast<State>(prng.below(10)), static_cast<double>(prng.below(40)));
  if (prng.chance(750)) report.playhead = sec(static_cast<double>(prng.below(60)));
  if (prng.chance(300)) report.duration = sec(static_cast<double>(prng.below(70)));
  if (prng.chance(200)) report.credits = sec(static_cast<double>(prng.below(60)));
  if (prng.chance(200)) report.watched = sec(static_cast<double>(prng.below(15)));
  if (prng.chance(300)) report.started_at = at(static_cast<double>(prng.below(20)));
  report.sequence = static_cast<std::uint32_t>(prng.below(3));
  return report;
}

// What an owner makes of them as they come, some of them twice and late.
inline std::vector<Stamped> stamped(Prng& prng, std::size_t count) {
  Player player;
  std::vector<Report> said;
  std::vector<Stamped> out;
  for (std::size_t i = 0; i < count; ++i) {
    said.push_back(prng.chance(150) && !said.empty() ? said[prng.below(said.size())]
                                                     : random_report(prng));
    player.tell(said.back(), at(100));
    out.push_back(player.last);
  }
  return out;
}

inline void shuffle(std::vector<Stamped>& reports, Prng& prng) {
  for (std::size_t i = reports.size(); i > 1; --i)
    std::swap(reports[i - 1], reports[prng.below(i)]);
}

}  // namespace playhead::testing
