// From a shard to one stream of viewers: events are made on the shard's thread and read on the
// stream's. A reader that falls behind by more than its bound is dropped: it subscribes anew and
// begins with a fresh snapshot.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/event.h"
#include "shard/outcome.h"

namespace playhead {

/// What a subscriber gets, in order.
struct ViewersEvent {
  enum class Kind : std::uint8_t { kSnapshot, kView, kEnd } kind = Kind::kSnapshot;
  std::vector<ViewerItem> items;  ///< all of them for a snapshot, one for a view
  Instant at;                     ///< as_of, or when it ended
  std::string view;               ///< kEnd: which
  std::string profile;            ///< kEnd: whose
  EndReason end_reason = EndReason::kNone;
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(Executor reader, std::uint32_t queue_max) : reader_(std::move(reader)), max_(queue_max) {}

  /// Shard's thread. False once the reader has gone or been dropped: forget the channel.
  bool push(std::shared_ptr<const ViewersEvent> event);
  /// Shard's thread. The account has another owner now: the reader is to subscribe anew.
  void drop();

  // The rest on the reader's thread.
  /// The next event if there is one.
  std::shared_ptr<const ViewersEvent> pop();
  bool dropped() const { return dropped_.load(); }
  /// Returns when pop() or dropped() has something to say, or after wake().
  Task<> wait();
  void wake() {
    woken_ = true;
    event_.signal();
  }
  void close() { closed_.store(true); }
  bool closed() const { return closed_.load(); }

 private:
  Executor reader_;
  std::uint32_t max_;
  std::atomic<std::uint32_t> behind_ = 0;
  std::atomic<bool> dropped_ = false, closed_ = false;
  bool woken_ = false;
  std::deque<std::shared_ptr<const ViewersEvent>> queue_;
  Event event_;
};

}  // namespace playhead
