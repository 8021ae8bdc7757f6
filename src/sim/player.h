// A device: it starts views, plays, seeks, pauses, stops, falls silent, goes offline, and tries its
// reports until they are answered. One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/faults.h"
#include "sim/model.h"
#include "sim/timeline.h"

namespace playhead::sim {

/// A report on its way.
struct Sent {
  ViewTold* view = nullptr;
  Said* said = nullptr;
};

/// What a player sends: reports in a batch, or one start under a limit.
struct Request {
  std::vector<Sent> items;
  std::optional<unsigned> limit;  ///< a PUT
  std::string terminate;          ///< of a PUT: the view to take over
  bool answered = false;
};

/// What came back for one item.
enum class Reply : std::uint8_t { kAcked, kRetry, kLimit, kTerminated };

class Player {
 public:
  struct Parts {
    Timeline* timeline;
    Faults* faults;
    Model* model;
    std::string account, device;
    std::optional<unsigned> limit;  ///< set: the player uses only PUT
    std::function<void(Player&, std::shared_ptr<Request>)> send;
  };
  explicit Player(Parts parts) : parts_(std::move(parts)) {}

  /// Lives on: does the next thing and plans its next waking.
  void wake();
  /// Ends its view, if one is there, and starts no other.
  void retire();
  /// Sends what has no answer yet. True if there is nothing.
  bool flush();
  void replied(Request& request, const std::vector<Reply>& replies,
               const std::vector<std::string>& in_the_way);
  void timed_out(Request& request);

 private:
  void begin();
  void go_on();
  void say(State state, bool same_moment = false);
  void leave();
  void give_up(ViewTold& view);
  Prng& prng() { return parts_.faults->prng(); }
  Millis between(Millis low, Millis high) {
    return low + static_cast<Millis>(prng().below(static_cast<std::uint64_t>(high - low + 1)));
  }

  Parts parts_;
  ViewTold* view_ = nullptr;
  State state_ = State::kStarting;
  Playhead playhead_ = 0;
  Instant since_;  ///< of the last report
  std::uint32_t sequence_ = 0;
  Instant pause_until_ = kNever, offline_until_ = kNever;
  std::deque<Sent> queue_;
  std::string take_over_;
  unsigned in_flight_ = 0;
  bool retired_ = false;
};

/// The network on `request`'s way: `arrive` is called some time later, twice, or never, and the
/// player loses patience after a while, whatever became of it.
void carry(Timeline& timeline, Faults& faults, Prng& prng, Player& player,
           const std::shared_ptr<Request>& request, const std::function<void()>& arrive);

}  // namespace playhead::sim
