// The end of the journal's log after a crash: a write that was cut short is cut off, anything else
// that is wrong is refused.
//
// RocksDB alone can't tell them apart. It refuses a last record of which some sectors never reached
// the disk, though nobody was told that it did; and takes a flipped length byte in the middle for a
// torn tail, losing all behind it without a word. A write is sent only when the one before has been
// synced, so: where a newer record follows, the damage is in what was acknowledged; and only the
// newest log may end torn. Source of the format: RocksDB, db/log_format.h. One thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace playhead {

/// What a log holds.
struct LogScan {
  enum class End { kSound, kTorn, kDamaged };
  End end = End::kSound;
  std::size_t sound_bytes = 0;  ///< up to the end of the last record before anything wrong
  std::string what;             ///< what is wrong, and where
};

/// Reads a log's bytes; `newest` says that its end may be torn. Pure.
LogScan scan_log(std::string_view bytes, bool newest);

/// What is wrong with the logs in `path`, a sentence for each; a torn tail is not. Changes nothing.
std::vector<std::string> damaged_logs(const std::string& path);

/// Cuts a torn tail off the newest log. The caller holds the directory's lock.
/// Errors: corrupt (damage that is no torn tail), unavailable (the disk refuses).
Result<void> mend_logs(const std::string& path);

}  // namespace playhead
