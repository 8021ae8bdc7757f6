// The numbers a shard goes by. Loaded and range-checked by config/.
#pragma once

#include <cstdint>

#include "viewing/view.h"

namespace playhead {

/// Of a node of a cluster, unless it is told otherwise: what hangs on one machine's disk is less.
inline constexpr Millis kClusterCheckpointMs = 120'000;

struct ShardOptions {
  Rules rules;
  Millis report_interval_ms = 10'000;         ///< what players are asked for when there is no load
  Millis report_interval_max_ms = 60'000;     ///< what they are asked for under the heaviest
  std::uint32_t reports_per_s_high = 40'000;  ///< a shard's load at which the interval grows
  Millis paused_expiry_ms = 600'000;          ///< silence after which a paused view has ended
  Millis cmcd_expiry_ms = 90'000;            ///< the same for CMCD, which can't be told an interval
  Millis late_limit_ms = 30LL * 86'400'000;  ///< older reports are refused
  Millis checkpoint_interval_ms = 300'000;   ///< each changed view reaches the store this often
  std::uint64_t journal_bytes_max = 4ULL << 30;  ///< above it: 503, nothing is dropped
  std::uint32_t views_max = 12'000'000;          ///< in memory, a shard; above it new views get 503
  std::uint32_t account_views_max = 1'000;  ///< in memory, an account; above it new views get 503
  std::uint32_t parked_max = 100'000;       ///< reports waiting for their account, a shard
  std::uint32_t sweep_rows_max = 512;       ///< of one write to the store
  std::uint32_t subscribers_max = 100;      ///< streams of one account
  std::uint32_t stream_queue_max = 256;     ///< events a slow stream may be behind
  std::uint32_t continue_titles_max = 20'000;  ///< titles of a profile that are looked at
  std::uint32_t profiles_max = 1'000;          ///< of an account that are listed
  std::uint32_t erased_profiles_max = 1'000;   ///< of an account; more: only as a whole
  std::uint32_t history_scan_max = 10'000;     ///< rows looked at for one filtered page
  std::uint32_t frame_records_max = 4'096;     ///< of one journal frame
  /// Of a shard, for the disk; above: 503. Node takes them from the journal's, which end the
  /// server.
  std::uint64_t waiting_bytes_max = 64ULL << 20;
  std::uint64_t waiting_frames_max = 16'384;
};

}  // namespace playhead
