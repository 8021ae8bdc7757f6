// The limits of what a body may hold. Loaded and range-checked by config/.
#pragma once

#include <cstdint>

namespace playhead {

struct IngestOptions {
  std::uint32_t batch_reports_max =
      1'000;                       ///< in one body; above: 413, and CMCD records are dropped
  std::uint32_t acts_max = 100;    ///< of one PATCH of progress; above: 413
  std::uint32_t titles_max = 100;  ///< of one progress query; above: 413
};

}  // namespace playhead
