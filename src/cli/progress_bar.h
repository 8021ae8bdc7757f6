// How far a replay has come, on standard error: a bar on a terminal, else a line now and then.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace playhead {

struct Standing {
  std::uint64_t done = 0, total = 0;
  Millis elapsed_ms = 0;
  Millis whole_ms = 0;  ///< how long it will take; 0: as fast as it goes
  std::string_view unit = "requests";
};

/// "[#######-------------]  35 %  12 of 34 requests  0:00:21 of 0:01:06". Pure.
std::string bar_text(const Standing& standing);

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;

  void show(const Standing& standing);
  /// A line of its own, above the bar.
  void say(std::string_view line);

 private:
  void clear();

  bool terminal_;
  bool drawn_ = false;
  Millis shown_at_ms_ = 0;  ///< by Standing::elapsed_ms
};

}  // namespace playhead
