// The numbers that imports go by. Loaded and range-checked by config/.
#pragma once

#include <cstdint>

namespace playhead {

struct TransferOptions {
  std::uint32_t imports_max = 2;             ///< at work at once; above: 503
  std::uint32_t records_max = 10'000;        ///< of one body; above: 413
  std::uint32_t slice_records = 32;          ///< written to the store at once
  std::uint32_t records_per_s_max = 10'000;  ///< of all imports together; 0: any number
};

}  // namespace playhead
