// A frame of the journal: many records of one shard, written and synced as one value.
//
// A view's identity is journalled once, in a snapshot that gives it a number, and again after each
// checkpoint; its heartbeats then carry the number and what changed, in at most kHeartbeatBytesMax
// (ids do not occur in them). Numbers belong to (boot, shard). One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "record/ids.h"
#include "record/stored.h"
#include "viewing/report.h"

namespace playhead {

/// Of one heartbeat, where its spans are below 74 hours, its number below 2^28, its sequence below
/// 2^21 and it is at most 99 days late; each larger number takes up to six bytes more.
inline constexpr std::size_t kHeartbeatBytesMax = 40;

/// What is common to the records of a frame.
struct FrameHead {
  std::uint64_t boot = 0;  ///< the writing process: view numbers start anew with it
  std::uint16_t shard = 0;
  std::uint16_t shards =
      1;            ///< of the writing process: the slots s of `shard` have s % shards == shard
  Instant arrival;  ///< of its first record; heartbeats hold their distance from it
};

/// A report of the view that `number` stands for: that view's snapshot names the slot.
struct Heartbeat {
  std::uint32_t number = 0;
  Instant arrival;
  bool late = false;  ///< never makes a view active
  Stamped report;
};

/// Gives `number` to a view, or says all of it anew (an end from outside, a deletion, new texts).
struct Snapshot {
  std::uint32_t number = 0;
  std::uint16_t slot = 0;
  StoredView view;
};

/// A user's own act, or anything else that is merged into a title's row.
struct TitleDelta {
  std::string_view tenant, account, profile, title;
  TitleState delta;
};

/// Everything of a profile, or of an account, up to `through` is gone.
struct ErasureRecord {
  std::string_view tenant, account;
  std::string_view profile;  ///< empty: the whole account
  Instant through;
};

class FrameWriter {
 public:
  explicit FrameWriter(const FrameHead& head);

  void heartbeat(const Heartbeat& record);
  void snapshot(std::uint32_t number, std::uint16_t slot, const StoredView& view);
  void title(const TitleDelta& record);
  void erasure(const ErasureRecord& record);

  std::size_t bytes() const { return out_.size(); }
  std::size_t records() const { return records_; }
  /// The frame, with its checksum. The writer is empty afterwards.
  std::string finish();

 private:
  FrameHead head_;
  std::string out_;
  std::size_t records_ = 0;
};

/// What read_frame() calls, in the frame's order. An error ends the reading and is its result.
struct FrameVisitor {
  /// Asked first: false skips the frame, of which only the checksum is looked at.
  std::function<bool(const FrameHead&)> wanted_frame;
  /// Asked before a record that carries ids is decoded: false skips it (another thread's slot).
  std::function<bool(std::uint16_t slot)> wanted;
  std::function<Result<void>(const FrameHead&, const Heartbeat&)> heartbeat;
  std::function<Result<void>(const FrameHead&, Snapshot&&)> snapshot;
  /// Called instead of `snapshot` for one whose slot is not wanted: its number means nothing now.
  std::function<void(const FrameHead&, std::uint32_t number)> skipped;
  std::function<Result<void>(const FrameHead&, TitleDelta&&)> title;
  std::function<Result<void>(const FrameHead&, const ErasureRecord&)> erasure;
};

/// Reads every record of `bytes`.
/// Errors: corrupt (checksum, cut short, or a newer format version; the detail says which).
Result<void> read_frame(std::string_view bytes, const FrameVisitor& visitor);

/// A raw report on its way to another shard or node: all its texts and numbers.
void encode(std::string& out, const Report& report);
/// Takes one report off the front of `bytes`; its texts borrow from them.
/// Errors: corrupt.
Result<Report> decode_report(std::string_view& bytes);

}  // namespace playhead
