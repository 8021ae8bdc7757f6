// What players do, drawn from the seed.
#include "sim/player.h"

#include <algorithm>
#include <memory>

namespace playhead::sim {
namespace {

constexpr Millis kIntervalMs = 10'000;
constexpr Millis kRetryMs = 5'000;
constexpr std::size_t kBatchMax = 20;

}  // namespace

void Player::wake() {
  if (retired_) return;
  if (view_ == nullptr) {
    begin();
  } else {
    go_on();
  }
  if (parts_.timeline->now() >= offline_until_) flush();
  parts_.timeline->in(between(500, kIntervalMs), [this] { wake(); });
}

void Player::begin() {
  if (prng().chance(300)) return;  // idle for a while
  ViewTold& view = parts_.model->views.emplace_back();
  view_ = &view;
  view.account = parts_.account;
  view.profile = prng().chance(500) ? "p1" : "p2";
  view.title = "t" + std::to_string(prng().below(3));
  view.view = "v" + std::to_string(parts_.model->views.size());
  view.device = parts_.device;
  view.started_at = parts_.timeline->now();
  view.duration = view.title == "t0" ? 30'000 : 600'000;
  view.record = !prng().chance(50);
  view.live = prng().chance(50);
  playhead_ = prng().chance(500) ? 0 : between(0, view.duration / 2);
  sequence_ = 0;
  since_ = parts_.timeline->now();
  state_ = State::kStarting;
  say(State::kStarting);
}

void Player::go_on() {
  Faults& faults = *parts_.faults;
  if (parts_.timeline->now() >= offline_until_ && faults.strikes(Fault::kOffline))
    offline_until_ = parts_.timeline->now() + between(5'000, 90'000);
  if (faults.strikes(Fault::kSilence)) return leave();
  if (state_ == State::kPaused) {
    if (parts_.timeline->now() < pause_until_) return say(State::kPaused);
    return say(prng().chance(800) ? State::kPlaying : State::kStopped);
  }
  const std::uint64_t dice = prng().below(100);
  if (dice < 60) {
    say(State::kPlaying);
  } else if (dice < 70) {
    say(State::kPaused);
    pause_until_ =
        parts_.timeline->now() +
        (faults.strikes(Fault::kLongPause) ? between(30'000, 150'000) : between(0, 8'000));
  } else if (dice < 80) {
    const Playhead target = between(0, view_->duration);
    say(State::kPlaying);
    playhead_ = target;
    say(State::kSeeking, true);
  } else if (dice < 84) {
    say(State::kRebuffering);
  } else if (dice < 87) {
    say(State::kAd);
  } else if (dice < 97) {
    if (faults.strikes(Fault::kSameMoment)) {
      say(State::kPaused);
      say(State::kStopped, true);
    } else {
      say(State::kStopped);
    }
  } else {
    say(State::kFailed);
  }
  if (view_ != nullptr && playhead_ >= view_->duration) say(State::kCompleted, true);
}

// Makes a report of where the player is now; in the same moment as the last one, told apart by its
// sequence alone.
void Player::say(State state, bool same_moment) {
  const Instant now = parts_.timeline->now();
  if (!same_moment && state_ == State::kPlaying) {
    const Millis played = std::min(now - since_, view_->duration - playhead_);
    playhead_ += played;
    view_->played += played;
  }
  state_ = state;
  since_ = now;
  Said said{.at = now, .sequence = ++sequence_, .state = state, .playhead = playhead_};
  if (prng().chance(100)) said.playhead.reset();
  if (prng().chance(600)) said.watched = view_->played;
  queue_.push_back({view_, &view_->say(said)});
  if (is_ending(state)) leave();
}

void Player::leave() {
  view_->over = true;
  view_ = nullptr;
}

void Player::retire() {
  retired_ = true;
  offline_until_ = kNever;
  if (view_ == nullptr) return;
  if (prng().chance(500)) {
    say(State::kStopped);
  } else {
    leave();
  }
}

bool Player::flush() {
  while (!queue_.empty()) {
    if (parts_.limit && in_flight_ > 0) return false;  // in order, one by one
    auto request = std::make_shared<Request>();
    const std::size_t most = parts_.limit ? 1 : 1 + prng().below(kBatchMax);
    if (!parts_.limit && queue_.size() > 1 && parts_.faults->strikes(Fault::kReordered))
      std::swap(queue_.front(), queue_[prng().below(queue_.size())]);
    while (!queue_.empty() && request->items.size() < most) {
      request->items.push_back(queue_.front());
      queue_.pop_front();
    }
    if (parts_.limit) {
      request->limit = parts_.limit;
      request->terminate = std::exchange(take_over_, {});
    }
    ++in_flight_;
    parts_.send(*this, std::move(request));
  }
  return in_flight_ == 0;
}

void Player::replied(Request& request, const std::vector<Reply>& replies,
                     const std::vector<std::string>& in_the_way) {
  if (std::exchange(request.answered, true)) return;
  --in_flight_;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const Sent& sent = request.items[i];
    switch (replies[i]) {
      case Reply::kAcked:
        // Now and then a player repeats what was answered.
        if (prng().chance(20)) queue_.push_back(sent);
        break;
      case Reply::kRetry:
        queue_.push_back(sent);
        break;
      case Reply::kLimit:
        if (!in_the_way.empty() && sent.view == view_ && prng().chance(400)) {
          take_over_ = in_the_way[prng().below(in_the_way.size())];
          queue_.push_front(sent);
          break;
        }
        [[fallthrough]];
      case Reply::kTerminated:
        sent.said->given_up = true;
        give_up(*sent.view);
        break;
    }
  }
}

void Player::timed_out(Request& request) {
  if (std::exchange(request.answered, true)) return;
  --in_flight_;
  if (parts_.limit) {
    queue_.push_front(request.items.front());
    return;
  }
  for (const Sent& sent : request.items)
    if (!sent.said->given_up) queue_.push_back(sent);
}

// The server wants no more of this view.
void Player::give_up(ViewTold& view) {
  std::erase_if(queue_, [&](const Sent& sent) {
    if (sent.view != &view) return false;
    sent.said->given_up = true;
    return true;
  });
  if (view_ == &view) leave();
}

void carry(Timeline& timeline, Faults& faults, Prng& prng, Player& player,
           const std::shared_ptr<Request>& request, const std::function<void()>& arrive) {
  const auto latency = [&] {
    const bool slow = faults.strikes(Fault::kReordered);
    return static_cast<Millis>(1 + prng.below(slow ? 3'000 : 50));
  };
  timeline.in(kRetryMs, [&player, request] { player.timed_out(*request); });
  if (faults.strikes(Fault::kLostRequest)) return;
  timeline.in(latency(), arrive);
  if (faults.strikes(Fault::kDuplicated)) timeline.in(latency(), arrive);
}

}  // namespace playhead::sim
