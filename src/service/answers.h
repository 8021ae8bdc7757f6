// What the service answers, before it is written as JSON. Shapes: api/openapi.yaml. Texts are
// owned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/erasure.h"
#include "shard/outcome.h"
#include "viewing/title.h"
#include "viewing/view.h"

namespace playhead {

/// A list or a thing, with how fresh it is. `next`: where the following page starts, if any.
template <typename T>
struct Answer {
  T value;
  Instant as_of;
  bool stale = false;
};

/// One view, active or not.
struct ViewItem {
  ViewerItem item;
  bool active = false;
  std::optional<Instant> ended_at;
  EndReason end_reason = EndReason::kNone;
  std::string ended_by;  ///< the device that terminated or replaced it; may be empty
};

struct ProgressItem {
  std::string title, series;
  std::optional<Playhead> playhead;  ///< where to resume; none when finished or unknown
  std::optional<Millis> duration;
  bool finished = false, watched = false, hidden = false;
  std::optional<Instant> watched_at;
  std::string view, device;   ///< where the position came from; empty for an act
  std::optional<Instant> at;  ///< when it last moved or was marked
};

struct ContinueItem {
  ProgressItem progress;
  RowReason reason = RowReason::kResume;
};

struct HistoryItem {
  std::string id;  ///< opaque; names the row for GET and DELETE
  std::string view, title, series, device, device_type;
  Kind kind = Kind::kOnDemand;
  Instant started_at;
  std::optional<Instant> ended_at;
  EndReason end_reason = EndReason::kNone;
  Instant at;
  std::optional<Playhead> playhead;
  std::optional<Millis> duration;
  Millis watched_ms = 0;
  bool finished = false;
  std::string origin;  ///< where it was reported
};

/// Of an erasure. It holds no id, so that it may be kept.
struct Receipt {
  std::string mark;   ///< of the account or the profile: show_erasure_key()
  Instant erased_at;  ///< nothing of the time up to here is left, or will be taken
  Instant gone_by;    ///< when no file has anything of it any more, at the latest
};

struct HistoryFilter {
  std::string title, series;        ///< empty: any
  std::optional<Instant> from, to;  ///< of started_at: from <= started_at < to
  bool all = false;                 ///< unqualified views too
  friend bool operator==(const HistoryFilter&, const HistoryFilter&) = default;
};

/// Where the page after this one starts.
struct HistoryNext {
  Instant keyed_start;
  std::string view;
};

struct HistoryPage {
  std::vector<HistoryItem> items;
  std::optional<HistoryNext> next;
  std::optional<Instant> copied_at;  ///< the store's rows are of then: HistoryRows::as_of
};

struct PutOutcome {
  bool created = false;  ///< 201: a view started; 200: a report of an active one
  ViewerItem item;
  bool checked = true;    ///< false: nobody could check the limit, or it is exceeded
  bool unstored = false;  ///< as BatchOutcome has it
  std::optional<unsigned> limit;
  std::uint32_t next_report_ms = 0;
};

/// Why a PUT was refused. kLimitReached carries the views in the way, kTerminated the device.
struct PutRefusal {
  Error error;
  std::vector<ViewerItem> in_the_way;
  std::string ended_by;
};

}  // namespace playhead
