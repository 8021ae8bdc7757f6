// What a shard answers: the outcome of reports, the views it holds, its figures. Texts are owned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "viewing/view.h"

namespace playhead {

/// One report that was not taken, by its index in the batch.
struct Rejected {
  std::uint32_t index = 0;
  Error error;
  std::string ended_by;  ///< kTerminated: the device that ended the view
};

/// What became of a batch, once what was accepted is durable.
struct BatchOutcome {
  std::uint32_t accepted = 0;
  std::vector<Rejected> rejected;
  std::uint32_t next_report_ms = 0;    ///< the interval the server wants
  bool unstored = false;               ///< the store was away or slow: only the journal has some
  std::vector<std::uint32_t> waiting;  ///< of a prompt Ticket: what was not taken, by its index
};

/// One active view: "who is watching what now".
struct ViewerItem {
  std::string view, profile, title, series, device, device_type;
  Kind kind = Kind::kOnDemand;
  State state = State::kStarting;
  std::optional<Playhead> playhead;
  std::optional<Millis> duration;
  Instant started_at, at;
};

/// One shard's figures, for /metrics and /v1/cluster.
struct ShardFigures {
  std::uint64_t reports = 0;  ///< taken and made durable
  std::uint64_t repeats = 0;  ///< of them, changed nothing
  std::uint64_t late = 0;
  std::uint64_t rejected = 0;
  std::uint64_t playheads_dropped = 0;  ///< beyond the duration
  std::uint64_t views_active = 0, views_in_memory = 0, accounts_in_memory = 0;
  std::uint64_t views_started = 0, views_ended = 0, views_expired = 0;
  std::uint64_t frames = 0, frame_bytes = 0;
  std::uint64_t store_rows = 0;      ///< rows handed to the store by sweeps
  std::uint64_t through_rows = 0;    ///< by reports that wait for it
  std::uint64_t through_errors = 0;  ///< of them, acknowledged by the journal alone
  std::uint64_t inbox_rows = 0;      ///< handed to the inbox
  std::uint64_t inbox_folded = 0, inbox_dropped = 0;  ///< taken from it; of no use any more
  std::uint64_t streams = 0, streams_dropped = 0;
  std::uint64_t loads = 0;      ///< accounts read from the store
  std::uint64_t handed = 0;     ///< that came with their slots instead
  std::uint64_t undrained = 0;  ///< views in memory that are others' to fold
  std::uint64_t sweep_errors = 0;
  std::uint64_t erasures = 0;  ///< done by the store
};

struct SlotFigures {
  std::uint16_t slot = 0;
  std::uint64_t reports = 0;
  std::uint32_t views_active = 0;
};

}  // namespace playhead
