// Two lanes of orders: the node's own row, and all that concerns others.
#include "cluster/lease.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace playhead {
namespace {

constexpr std::size_t kAttemptsMax =
    16;  // remembered; what an older one brought about is not believed
constexpr std::size_t kLeavingParts = 8;  // one of them at once, of what is left

bool is_live(const std::vector<NodeRow>& rows, std::uint64_t session) {
  return std::ranges::any_of(
      rows, [&](const NodeRow& row) { return row.session == session && !row.over; });
}

SlotSet first_of(const SlotSet& slots, std::size_t count) {
  SlotSet out;
  for (std::uint16_t slot = 0; slot < kSlots && count > 0; ++slot)
    if (slots[slot]) {
      out.set(slot);
      --count;
    }
  return out;
}

}  // namespace

std::uint64_t Lease::order(decltype(LeaseOrder::what) what) {
  orders_.push_back({.ticket = ++last_ticket_, .what = std::move(what)});
  return last_ticket_;
}

Millis Lease::next_ms() const {
  constexpr Millis kNoneMs = std::numeric_limits<Millis>::max();
  return std::min(own_.ticket == 0 && !left_ ? own_.due_ms : kNoneMs,
                  look_.ticket == 0 && !left_ ? look_.due_ms : kNoneMs);
}

std::vector<LeaseOrder> Lease::tick(Millis now_ms) { return go_on(now_ms); }

std::vector<LeaseOrder> Lease::go_on(Millis now_ms) {
  if (!left_) {
    step_own(now_ms);
    if (look_.ticket == 0 && now_ms >= look_.due_ms) look_.ticket = order(ReadMap{});
  }
  return std::exchange(orders_, {});
}

std::vector<LeaseOrder> Lease::look(Millis now_ms) {
  look_again_ = look_.ticket != 0;  // which may have read the map before the change
  look_.due_ms = std::min(look_.due_ms, now_ms);
  return go_on(now_ms);
}

std::vector<LeaseOrder> Lease::leave(Millis now_ms) {
  leaving_ = true;
  rests_until_ms_ = now_ms + options_.leave_rests_ms;
  own_.due_ms = look_.due_ms = give_due_ms_ = now_ms;
  refresh();
  return go_on(now_ms);
}

std::vector<LeaseOrder> Lease::clock_skew(Millis now_ms, Millis skew_ms) {
  const bool skewed = skew_ms > options_.skew_max_ms || skew_ms < -options_.skew_max_ms;
  if (std::exchange(skewed_, skewed) != skewed) {
    own_.due_ms = look_.due_ms = now_ms;
    refresh();
  }
  return go_on(now_ms);
}

// ---- The own row --------------------------------------------------------------------------------

void Lease::step_own(Millis now_ms) {
  if (own_.ticket != 0 || now_ms < own_.due_ms) return;
  if (doubt_)
    own_.ticket = order(ReadRows{});
  else if (session_ == 0 && leaving_)
    left_ = true;
  else if (session_ != 0 || may_join(now_ms))
    write_own(now_ms);
  else
    own_.due_ms = now_ms + options_.retry_ms;
}

// Also what an earlier life of this node left behind is waited for, as anyone's is.
bool Lease::may_join(Millis now_ms) const {
  return !known_ || known_->over || is_overdue(*known_, now_ms);
}

// Nothing is left to hand over, or nobody to take it, and all of it is flushed.
bool Lease::is_bare() const {
  const SlotSet mine = map_->slots_of(session_);
  if (!giving_) return mine.none();
  return giving_->flush == 0 && takers_.empty() && (mine & ~giving_->slots).none();
}

void Lease::write_own(Millis now_ms) {
  NodeRow row{.node = node_,
              .session = session_ != 0 ? session_ : prng_.next() | 1,
              .renewal = ++last_renewal_,
              .over = leaving_ && is_bare() && !left_behind_,
              .taking = may_take()};
  if (attempts_.size() == kAttemptsMax) attempts_.erase(attempts_.begin());
  attempts_.push_back({.row = row, .sent_ms = now_ms});
  own_.ticket = order(ChangeRow{.from = known_, .to = std::move(row)});
  own_.due_ms = now_ms + options_.renew_interval_ms;
}

// `row`: what this node's row was at some moment after the last answered write of it.
void Lease::see_own(std::optional<NodeRow> row, Millis now_ms) {
  known_ = std::move(row);
  const auto ours = std::ranges::find_if(
      attempts_, [&](const Attempt& attempt) { return attempt.row == known_; });
  if (ours != attempts_.end() && !known_->over) {
    fresh_until_ms_ = std::max(fresh_until_ms_, ours->sent_ms + options_.lease_ms);
    attempts_.clear();  // the others were to replace what is there no more
    if (std::exchange(session_, known_->session) == 0) {
      look_.due_ms = now_ms;
      refresh();
    }
  } else if (session_ != 0 && (!known_ || known_->session != session_ || known_->over)) {
    end_session();
    own_.due_ms = now_ms;
  }
}

void Lease::end_session() {
  session_ = 0;
  fresh_until_ms_ = 0;
  attempts_.clear();
  giving_.reset();
  refresh();
}

bool Lease::is_overdue(const NodeRow& row, Millis now_ms) const {
  const auto seen = seen_.find(row.node);
  return seen != seen_.end() && seen->second.session == row.session &&
         seen->second.renewal == row.renewal && now_ms >= overdue_ms(seen->second);
}

// When a row that is still the same by then counts as overdue.
Millis Lease::overdue_ms(const Seen& seen) const {
  return std::max(seen.since_ms + options_.take_after_ms, patient_until_ms_);
}

// ---- Answers ------------------------------------------------------------------------------------

std::vector<LeaseOrder> Lease::map_read(Millis now_ms, std::uint64_t ticket,
                                        std::optional<std::shared_ptr<const SlotMap>> map) {
  if (ticket != look_.ticket) return {};
  look_.ticket = 0;
  if (map) {
    adopt(*std::move(map));
    // Only now: a session that is in the map, but in no row that was read before it, may have
    // begun.
    look_.ticket = order(ReadRows{});
  } else {
    look_.due_ms = now_ms + options_.retry_ms;
  }
  return go_on(now_ms);
}

std::vector<LeaseOrder> Lease::rows_read(Millis now_ms, std::uint64_t ticket,
                                         const std::optional<std::vector<NodeRow>>& rows) {
  if (ticket != own_.ticket && ticket != look_.ticket) return {};
  Lane& lane = ticket == own_.ticket ? own_ : look_;
  lane.ticket = 0;
  if (!rows) {
    lane.due_ms = now_ms + options_.retry_ms;
    return go_on(now_ms);
  }
  see_rows(*rows, now_ms);
  if (ticket >= own_settled_) {
    const auto own = std::ranges::find(*rows, node_, &NodeRow::node);
    see_own(own == rows->end() ? std::nullopt : std::optional(*own), now_ms);
    doubt_ = false;
  }
  if (&lane == &look_) decide(*rows, now_ms);
  return go_on(now_ms);
}

void Lease::see_rows(const std::vector<NodeRow>& rows, Millis now_ms) {
  // Who could not read for so long does not know who could not write either: all get their time
  // anew, and as much more as the store has been away, for it does not come back at once.
  const Millis blind_ms = rows_read_ms_ ? now_ms - *rows_read_ms_ : 0;
  if (blind_ms > options_.blind_ms) {
    seen_.clear();
    patient_until_ms_ =
        std::max(patient_until_ms_, now_ms + std::min(blind_ms, options_.patience_max_ms));
  }
  rows_read_ms_ = now_ms;
  for (const NodeRow& row : rows) {
    const auto [seen, is_new] = seen_.try_emplace(row.node, row.session, row.renewal, now_ms);
    if (!is_new && (seen->second.session != row.session || seen->second.renewal != row.renewal))
      seen->second = {row.session, row.renewal, now_ms};
  }
}

std::vector<LeaseOrder> Lease::changed(Millis now_ms, std::uint64_t ticket, LeaseChange change) {
  if (ticket == own_.ticket) {
    own_.ticket = 0;
    own_settled_ = last_ticket_ + 1;
    if (change == LeaseChange::kApplied) {
      // Nothing is left of the attempt if a read has told of it before.
      if (!attempts_.empty()) see_own(NodeRow(attempts_.back().row), now_ms);
    } else {
      doubt_ = true;
      own_.due_ms = now_ms;
    }
  } else if (ticket == look_.ticket) {
    look_.ticket = 0;
    look_.due_ms = now_ms;
    if (change != LeaseChange::kApplied)
      look_.due_ms += options_.retry_ms + static_cast<Millis>(prng_.below(options_.turn_ms));
    else if (next_map_)
      adopt(next_map_);
    next_map_.reset();
    if (leaving_) own_.due_ms = now_ms;
  }
  return go_on(now_ms);
}

std::vector<LeaseOrder> Lease::flushed(Millis now_ms, std::uint64_t ticket) {
  if (giving_ && giving_->flush == ticket) {
    giving_->flush = 0;
    look_.due_ms = now_ms;
    if (leaving_) own_.due_ms = now_ms;
    const Millis rest_ms = std::min(2 * (now_ms - giving_->since_ms), options_.leave_rest_max_ms);
    if (leaving_ && now_ms < rests_until_ms_)
      give_due_ms_ = std::max(give_due_ms_, now_ms + rest_ms);
  }
  return go_on(now_ms);
}

// ---- The others ---------------------------------------------------------------------------------

void Lease::adopt(std::shared_ptr<const SlotMap> map) {
  if (map == nullptr || map->version() <= map_->version()) return;
  if (giving_) {
    giving_->slots &= ~changed_slots(*map_, *map);
    giving_->offered.reset();  // it has been made, or never will be
    if (giving_->slots.none()) giving_.reset();
  }
  map_ = std::move(map);
  refresh();
}

void Lease::refresh() {
  answering_.reset();
  if (session_ == 0 || skewed_) return;
  answering_ = map_->slots_of(session_);
  if (giving_) answering_ &= ~giving_->slots;
}

// What `rows` and the map read before them call for: at most one change at a time.
void Lease::decide(const std::vector<NodeRow>& rows, Millis now_ms) {
  look_.due_ms = now_ms + (std::exchange(look_again_, false) ? 0 : options_.look_interval_ms);
  takers_.clear();
  std::size_t before = 0;  // members whose turn comes first
  for (const NodeRow& row : rows) {
    if (row.over || row.node == node_ || is_overdue(row, now_ms)) continue;
    if (row.taking) takers_.push_back({.node = row.node, .session = row.session});
    if (row.node < node_) ++before;
  }
  if (session_ == 0 || now_ms >= fresh_until_ms_) return;
  const Millis turn_ms =
      static_cast<Millis>(std::min(before, options_.turns_max)) * options_.turn_ms;
  if (end_overdue(rows, turn_ms, now_ms) || rehome(rows, turn_ms, now_ms)) return;
  if (giving_ && giving_->flush == 0) offer();
  if (!giving_) begin_giving(now_ms);
}

bool Lease::end_overdue(const std::vector<NodeRow>& rows, Millis turn_ms, Millis now_ms) {
  for (const NodeRow& row : rows) {
    if (row.over || row.node == node_) continue;
    const Millis due_ms = overdue_ms(seen_.at(row.node)) + turn_ms;
    if (!is_overdue(row, now_ms) || now_ms < due_ms) {
      look_.due_ms = std::min(look_.due_ms, due_ms);
      continue;
    }
    NodeRow ended = row;
    ended.over = ended.taking = true;
    look_.ticket = order(ChangeRow{.from = row, .to = std::move(ended)});
    return true;
  }
  return false;
}

// Gives each slot whose owner's session has ended a new owner.
bool Lease::rehome(const std::vector<NodeRow>& rows, Millis turn_ms, Millis now_ms) {
  SlotSet homeless;
  for (const Owner& owner : map_->owners())
    if (!is_live(rows, owner.session)) homeless |= map_->slots_of(owner.session);
  if (map_->version() == 0) homeless.set();
  std::vector<Owner> takers = takers_;
  if (may_take()) takers.push_back(self());
  if (homeless.none() || takers.empty()) {
    homeless_since_ms_.reset();
    return false;
  }
  if (!homeless_since_ms_) homeless_since_ms_ = now_ms;
  const Millis first_ms = map_->version() == 0 ? options_.first_map_after_ms : 0;
  if (const Millis due_ms = *homeless_since_ms_ + first_ms + turn_ms; now_ms < due_ms) {
    look_.due_ms = std::min(look_.due_ms, due_ms);
    return false;
  }
  next_map_ = std::make_shared<SlotMap>(map_->with(place(*map_, homeless, takers, loads_), takers));
  look_.ticket = order(ChangeMap{.to = next_map_});
  return true;
}

// Some after the other: while they change hands nobody answers for them, and then their accounts
// are to be read. More at once of a node that has many: it has not got long to leave.
SlotSet Lease::part_of_all() const {
  const SlotSet all = map_->slots_of(session_);
  const std::size_t some =
      std::max<std::size_t>(all.count() / kLeavingParts, options_.balance.gives_max);
  return first_of(all, some);
}

void Lease::begin_giving(Millis now_ms) {
  SlotSet slots;
  if (!may_take()) {
    // Who is skewed answers for none of them: nothing is gained by waiting.
    if (!skewed_ && !takers_.empty() && now_ms < give_due_ms_) {
      look_.due_ms = std::min(look_.due_ms, give_due_ms_);
      return;
    }
    give_due_ms_ = now_ms + options_.leave_interval_ms;
    slots = takers_.empty() ? map_->slots_of(session_) : part_of_all();
  } else if (may_give_ && now_ms >= give_due_ms_) {
    give_due_ms_ = now_ms + options_.balance_interval_ms;
    std::vector<Owner> nodes = takers_;
    nodes.push_back(self());
    slots = choose_gives(*map_, nodes, takers_.size(), loads_, options_.balance);
  }
  if (slots.none()) return;
  giving_ = Giving{.slots = slots, .since_ms = now_ms};
  giving_->flush = order(Flush{.slots = slots});
  refresh();
}

// Gives what has been flushed to whoever has least to do now.
void Lease::offer() {
  std::vector<Move> moves;
  if (!takers_.empty())
    moves = place(*map_, giving_->slots, takers_, loads_);
  else if (!giving_->offered) {
    // Nobody is left to take them. Who only journals keeps them, and does not answer for them; but
    // those that were to follow are flushed as well.
    if (may_take() || !is_bare()) giving_.reset();
    refresh();
    return;
  }
  // Without moves too: once the version has gone on, no offer made before can come true.
  giving_->offered = map_->version();
  next_map_ = std::make_shared<SlotMap>(map_->with(moves, takers_));
  look_.ticket = order(ChangeMap{.to = next_map_});
}

}  // namespace playhead
