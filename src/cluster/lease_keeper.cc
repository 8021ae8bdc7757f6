// The way of an order to the rows and of its answer back; everything on one executor.
#include "cluster/lease_keeper.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "base/assert.h"
#include "base/ids.h"

namespace playhead {

LeaseKeeper::LeaseKeeper(LeaseKeeperOptions options, LeaseRows& rows, LeaseListener& listener,
                         const Clock& clock, Executor executor, std::uint64_t seed)
    : options_(std::move(options)),
      rows_(rows),
      listener_(listener),
      clock_(clock),
      executor_(std::move(executor)),
      lease_(options_.lease, options_.node, seed),
      watch_(options_.node),
      timer_(executor_),
      nodes_(std::make_shared<const std::vector<NodeEntry>>()),
      epochs_(kSlots) {
  PLAYHEAD_ASSERT(is_id(options_.node));
  PLAYHEAD_ASSERT(options_.http_address.size() <= kAddressBytesMax);
  PLAYHEAD_ASSERT(options_.peer_address.size() <= kAddressBytesMax);
  update_status();
}

Task<bool> LeaseKeeper::run() {
  for (step(); !done(); step()) {
    const Millis wait_ms = std::clamp<Millis>(next_ms() - now_ms(), 0, options_.wake_max_ms);
    timer_.expires_after(std::chrono::milliseconds(wait_ms));
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  if (spawned_ > 0) co_await idle_.wait();
  co_return left_;
}

void LeaseKeeper::step() {
  if (done()) return;
  expire();
  if (!done() && leaving_since_ms_ && now_ms() >= leave_by_ms()) end(stopped_);
  if (done()) return;
  if (flushing_ && !flushing_->under_way && now_ms() >= flushing_->due_ms) begin_flush();
  if (now_ms() >= lease_.next_ms()) handle(lease_.tick(now_ms()));
}

Millis LeaseKeeper::next_ms() const {
  Millis out = lease_.next_ms();
  for (const auto& [ticket, pending] : pending_) out = std::min(out, pending.until_ms);
  if (flushing_ && !flushing_->under_way) out = std::min(out, flushing_->due_ms);
  if (leaving_since_ms_) out = std::min(out, leave_by_ms());
  return out;
}

// When it goes, whatever it still has. Without a lease, as when the rows are away, it can't give.
Millis LeaseKeeper::leave_by_ms() const {
  const Millis leased_ms = std::max(*leaving_since_ms_, lease_.fresh_until_ms());
  return std::min(*leaving_since_ms_ + options_.leave_max_ms,
                  leased_ms + options_.leave_without_lease_ms);
}

void LeaseKeeper::look() {
  boost::asio::post(executor_, [this] {
    if (done()) return;
    handle(lease_.look(now_ms()));
    wake();
  });
}

void LeaseKeeper::leave() {
  boost::asio::post(executor_, [this] {
    if (done() || leaving_since_ms_) return;
    leaving_since_ms_ = now_ms();
    handle(lease_.leave(now_ms()));
    wake();
  });
}

void LeaseKeeper::stop() {
  boost::asio::post(executor_, [this] {
    if (!done()) end(stopped_);
  });
}

void LeaseKeeper::set_left_behind(bool any) {
  boost::asio::post(executor_, [this, any] { lease_.set_left_behind(any); });
}

void LeaseKeeper::set_loads(SlotLoads loads, bool may_give) {
  boost::asio::post(executor_, [this, may_give, loads = std::move(loads)]() mutable {
    lease_.set_loads(std::move(loads), may_give);
  });
}

// ---- What the machine says ----------------------------------------------------------------------

// Its orders are carried out one after the other, also those that an order's end brings about.
void LeaseKeeper::handle(std::vector<LeaseOrder> orders) {
  if (done()) return;
  publish();
  if (lease_.has_left()) return end(left_);
  for (LeaseOrder& order : orders) todo_.push_back(std::move(order));
  if (std::exchange(beginning_, true)) return;
  while (!todo_.empty()) {
    LeaseOrder order = std::move(todo_.front());
    todo_.pop_front();
    begin(std::move(order));
  }
  beginning_ = false;
}

void LeaseKeeper::publish() {
  fresh_.publish(lease_);
  tell_listener(lease_.session() == 0 ? SlotSet() : lease_.map()->slots_of(lease_.session()));
  update_status();
}

void LeaseKeeper::tell_listener(const SlotSet& owned) {
  const SlotSet giving = lease_.giving();
  SlotSet lost, gained;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    const std::uint64_t epoch = owned[slot] ? lease_.map()->epoch_of(slot) : 0;
    if (const std::uint64_t was = std::exchange(epochs_[slot], epoch); was != epoch) {
      lost[slot] = was != 0;
      working_[slot] = false;
    }
    gained[slot] = epoch != 0 && !giving[slot] && !working_[slot];
  }
  working_ = (working_ | gained) & ~giving;
  if (lost.any()) listener_.lost(lost);
  if (gained.any()) listener_.gained(gained, *lease_.map());
}

void LeaseKeeper::update_status() {
  auto status = std::make_shared<const LeaseStatus>(LeaseStatus{.map = lease_.map(),
                                                                .nodes = nodes_,
                                                                .session = lease_.session(),
                                                                .skew_ms = watch_.skew_ms(),
                                                                .uncertain = uncertain_,
                                                                .late = late_,
                                                                .last_error = last_error_});
  const std::scoped_lock lock(mutex_);
  status_ = std::move(status);
}

std::shared_ptr<const LeaseStatus> LeaseKeeper::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

void LeaseKeeper::begin(LeaseOrder order) {
  if (auto* flush = std::get_if<Flush>(&order.what)) {
    flushing_ = Flushing{.ticket = order.ticket, .slots = flush->slots};
    return begin_flush();
  }
  const Kind kind = kind_of(order);
  if (in_flight_ >= options_.in_flight_max) {
    last_error_ = "too many calls to the cluster's rows are under way";
    return answer_uncertain(order.ticket, kind);
  }
  ++in_flight_;
  pending_.emplace(order.ticket,
                   Pending{.until_ms = now_ms() + options_.order_timeout_ms, .kind = kind});
  spawn(perform(std::move(order)));
}

void LeaseKeeper::spawn(Task<> task) {
  ++spawned_;
  boost::asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
    if (--spawned_ == 0 && done()) idle_.signal();
  });
}

void LeaseKeeper::end(bool& how) {
  how = true;
  fresh_.withdraw();
  tell_listener(SlotSet());
  pending_.clear();
  todo_.clear();
  update_status();
  wake();
}

// ---- Orders to the rows -------------------------------------------------------------------------

void LeaseKeeper::expire() {
  std::map<std::uint64_t, Pending> over;
  for (auto it = pending_.begin(); it != pending_.end();)
    if (const auto here = it++; now_ms() >= here->second.until_ms)
      over.insert(pending_.extract(here));
  for (const auto& [ticket, pending] : over) answer_uncertain(ticket, pending.kind);
}

LeaseKeeper::Kind LeaseKeeper::kind_of(const LeaseOrder& order) {
  if (std::holds_alternative<ReadMap>(order.what)) return Kind::kReadMap;
  return std::holds_alternative<ReadRows>(order.what) ? Kind::kReadRows : Kind::kChange;
}

void LeaseKeeper::answer_uncertain(std::uint64_t ticket, Kind kind) {
  ++uncertain_;
  switch (kind) {
    case Kind::kReadMap:
      return handle(lease_.map_read(now_ms(), ticket, std::nullopt));
    case Kind::kReadRows:
      return handle(lease_.rows_read(now_ms(), ticket, std::nullopt));
    case Kind::kChange:
      return handle(lease_.changed(now_ms(), ticket, LeaseChange::kUncertain));
  }
}

// The call has ended; false if its order was answered as uncertain before.
bool LeaseKeeper::settle(std::uint64_t ticket) {
  --in_flight_;
  wake();
  if (pending_.erase(ticket) > 0) return true;
  ++late_;
  return false;
}

Task<> LeaseKeeper::perform(LeaseOrder order) {
  if (std::holds_alternative<ReadMap>(order.what))
    co_await read_map(order.ticket);
  else if (std::holds_alternative<ReadRows>(order.what))
    co_await read_rows(order.ticket);
  else if (auto* row = std::get_if<ChangeRow>(&order.what))
    co_await change_row(order.ticket, std::move(*row));
  else
    co_await change_map(order.ticket, std::get<ChangeMap>(std::move(order.what)));
}

Task<> LeaseKeeper::read_map(std::uint64_t ticket) {
  auto map = co_await rows_.read_map();
  remember(map);
  if (!settle(ticket)) co_return;
  if (!map) co_return answer_uncertain(ticket, Kind::kReadMap);
  handle(lease_.map_read(now_ms(), ticket, *std::move(map)));
}

Task<> LeaseKeeper::read_rows(std::uint64_t ticket) {
  const Instant asked = clock_.now();
  auto entries = co_await rows_.read_rows();
  remember(entries);
  if (!settle(ticket)) co_return;
  if (!entries) co_return answer_uncertain(ticket, Kind::kReadRows);
  watch_.see(*entries, asked, clock_.now());
  std::vector<NodeRow> rows;
  rows.reserve(entries->size());
  for (const NodeEntry& entry : *entries) rows.push_back(entry.row);
  nodes_ = std::make_shared<const std::vector<NodeEntry>>(*std::move(entries));
  handle(lease_.rows_read(now_ms(), ticket, rows));
  judge_clock();
}

// A node whose clock was too far off is trusted again once it is well within the limit: else one
// at the limit would give its slots away and get them back without end.
void LeaseKeeper::judge_clock() {
  const Millis skew_ms = watch_.skew_ms(), max_ms = options_.lease.skew_max_ms;
  const auto is_over = [](Millis span_ms, Millis limit_ms) {
    return span_ms > limit_ms || span_ms < -limit_ms;
  };
  const bool was_off = is_over(told_skew_ms_, max_ms);
  if (was_off == is_over(skew_ms, was_off ? max_ms / 2 : max_ms)) return;
  told_skew_ms_ = skew_ms;
  handle(lease_.clock_skew(now_ms(), skew_ms));
}

Task<> LeaseKeeper::change_row(std::uint64_t ticket, ChangeRow change) {
  const bool own = change.to.node == options_.node;
  std::optional<NodeNote> note;
  if (own) note = note_of(change.to);
  const NodeRow to = change.to;
  const auto made =
      co_await rows_.change_row(std::move(change.from), std::move(change.to), std::move(note));
  remember(made);
  if (own && made && *made) {
    answered_session_ = to.session;
    answered_renewal_ = to.renewal;
    answered_ = clock_.now();
  }
  if (settle(ticket)) answer_change(ticket, made);
}

NodeNote LeaseKeeper::note_of(const NodeRow& row) const {
  NodeNote out{.http_address = options_.http_address,
               .peer_address = options_.peer_address,
               .sent = clock_.now()};
  if (row.session != answered_session_) return out;
  out.answered_renewal = answered_renewal_;
  out.answered = answered_;
  return out;
}

Task<> LeaseKeeper::change_map(std::uint64_t ticket, ChangeMap change) {
  const auto made = co_await rows_.change_map(change.to);
  remember(made);
  if (made && *made && !done()) listener_.changed_map(*change.to);
  if (settle(ticket)) answer_change(ticket, made);
}

void LeaseKeeper::answer_change(std::uint64_t ticket, const Result<bool>& made) {
  if (!made) return answer_uncertain(ticket, Kind::kChange);
  handle(lease_.changed(now_ms(), ticket, *made ? LeaseChange::kApplied : LeaseChange::kRefused));
}

// ---- Flushes ------------------------------------------------------------------------------------

void LeaseKeeper::begin_flush() {
  // Nobody waits for it any more: the session has ended, or the slots are another's.
  if ((flushing_->slots & lease_.giving()).none()) return flushing_.reset();
  flushing_->under_way = true;
  spawn(flush(flushing_->ticket, flushing_->slots));
}

Task<> LeaseKeeper::flush(std::uint64_t ticket, SlotSet slots) {
  const auto flushed = co_await listener_.flush(slots);
  remember(flushed);
  if (done()) co_return;
  const bool latest = flushing_ && flushing_->ticket == ticket;
  if (flushed) {
    if (latest) flushing_.reset();
    handle(lease_.flushed(now_ms(), ticket));
  } else if (latest) {
    flushing_->under_way = false;
    flushing_->due_ms = now_ms() + options_.flush_retry_ms;
  }
  wake();
}

}  // namespace playhead
