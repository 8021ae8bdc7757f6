// The journal on the machine's own disk: a RocksDB instance with one key a frame, the frame's
// number.
//
// Operation: one commit thread takes all frames that wait, writes them as one batch with one sync,
//   then answers each. Nothing is ever compacted: files whose frames have all been dropped are
//   deleted whole. On disk: docs/formats.md, "Keys".
// Concurrency: as the port says. The commit thread is the only writer of frames.
// Invariants:
//  1. Frames on disk have consecutive numbers; the first is the one behind the drop mark.
//  2. The drop mark is synced before the files that it frees are deleted.
//  3. After the first failed write or sync nothing is written any more.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "record/frame.h"

namespace rocksdb {
class Env;
}

namespace playhead {

struct RocksJournalOptions {
  std::string path;                                ///< a directory of its own; made if missing
  std::uint64_t write_buffer_bytes = 16ULL << 20;  ///< of one memtable; larger ones pause longer
  std::uint64_t group_bytes_max = 8ULL << 20;      ///< of the frames of one sync
  std::uint64_t waiting_bytes_max = 256ULL << 20;  ///< of frames not durable yet; more: overloaded
  std::uint32_t waiting_frames_max = 65'536;       ///< the same in frames
  /// What the machine calls the time since it was switched on. Empty: nobody knows, and all frames
  /// are read at each start.
  std::string power;
  rocksdb::Env* env = nullptr;  ///< a disk with faults, for tests; outlives the journal
};

/// What the journal did since it was opened. For /metrics.
struct RocksJournalFigures {
  /// Upper bounds of the buckets of sync times, in microseconds; the last bucket has none.
  static constexpr std::array<std::uint64_t, 10> kSyncUsBounds = {
      100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 100'000, 1'000'000};

  std::uint64_t frames = 0;   ///< made durable
  std::uint64_t bytes = 0;    ///< of those frames
  std::uint64_t syncs = 0;    ///< groups written, each with one sync
  std::uint64_t sync_us = 0;  ///< time spent in them, in all
  std::uint64_t refused = 0;  ///< frames answered with an error
  std::array<std::uint64_t, kSyncUsBounds.size() + 1> sync_us_buckets{};  ///< not cumulative
};

class RocksJournal : public Journal {
 public:
  /// Opens or makes the journal in `options.path`. A write that a crash cut short at the very end
  /// is cut off: it was never acknowledged.
  ///
  /// Errors: unavailable (in use by another process, or the disk refuses),
  ///   corrupt (damage, a gap, or a newer format; the detail says what to do).
  static Result<std::unique_ptr<RocksJournal>> open(RocksJournalOptions options);

  virtual RocksJournalFigures figures() const = 0;
};

/// What lies in a journal's directory.
struct JournalReport {
  FrameNumber dropped_through = 0;  ///< the frames up to here have been dropped
  FrameNumber first = 1;            ///< the oldest frame kept
  FrameNumber last = 0;             ///< the newest
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;                                                ///< of the frames kept
  std::uint64_t heartbeats = 0, snapshots = 0, titles = 0, erasures = 0;  ///< the frames' records
  std::uint64_t damaged = 0;                                              ///< things found wrong
  std::vector<std::string> damage;  ///< the first kJournalDamageMax of them, each in a sentence

  bool sound() const { return damaged == 0; }
};
inline constexpr std::size_t kJournalDamageMax = 100;

/// Reads all of a journal and checks every frame's checksum, its records and the numbering. Changes
/// nothing. Damage is no error but reported.
///
/// Errors: not_found (no journal there), unavailable (in use by another process, or unreadable).
Result<JournalReport> check_journal(const std::string& path);

/// The same, and calls `visit` with each erasure that is readable. Takes no lock: the caller sees
/// to it that no server uses the journal.
using ErasureVisit = std::function<void(const ErasureRecord&)>;
Result<JournalReport> read_erasures(const std::string& path, const ErasureVisit& visit);

}  // namespace playhead
