// A report's way through its shard: find the view, stamp, fold, journal, publish.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdio>

#include "base/assert.h"
#include "base/hash.h"
#include "shard/shard.h"

namespace playhead {
namespace {

constexpr std::string_view kErased = "it tells of what was erased; forget it";

Rejected rejection(Errc code, std::string detail) {
  return {.index = 0, .error = {code, std::move(detail)}};
}

Ids ids_of(std::string_view tenant, const Report& report, std::string_view view) {
  return {.tenant = tenant,
          .account = report.account,
          .profile = report.profile,
          .title = report.title,
          .series = report.series,
          .next_title = report.next_title,
          .view = view,
          .device = report.device,
          .device_type = report.device_type,
          .ended_by = {}};
}

// The field in which `report` contradicts what its view is, or empty. CMCD does not say kind and
// record in each record.
std::string_view conflict_of(const Entry& entry, const Report& report) {
  const Ids ids = entry.ids.get();
  if (ids.profile != report.profile) return "profile";
  if (ids.title != report.title) return "title";
  if (report.cmcd) return {};
  if (entry.view.kind != report.kind) return "kind";
  if (entry.view.record != report.record) return "record";
  return {};
}

}  // namespace

// CMCD players go on to the next title under the same session: that is another view.
std::string Shard::other_view_id(std::string_view sid, std::string_view title) {
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(hash_bytes(title)));
  return std::string(sid.substr(0, kIdBytesMax - 17)) + "~" + hash;
}

void Shard::report(std::string_view tenant, const Report& report, std::uint32_t index,
                   const std::shared_ptr<Ticket>& ticket) {
  const auto reject = [&](Rejected rejected) {
    rejected.index = index;
    ticket->outcome.rejected.push_back(std::move(rejected));
    ++figures_.rejected;
  };
  if (auto refused = refusal())
    return reject({.index = 0, .error = *std::move(refused), .ended_by = {}});
  if (parked_ > 0) {  // an account's reports keep their order
    Account* account = table_.find_account(tenant, report.account);
    if (account != nullptr && !account->parked.empty())
      return park(*account, report, index, ticket);
  }
  hurried_ = has_waited(*ticket);
  Taking taking = take(tenant, report, now());
  hurried_ = false;
  switch (taking.taken) {
    case Taken::kDone:
      ++ticket->outcome.accepted;
      if (taking.write_through) write_through(taking.entry->number, ticket, taking.follows);
      return;
    case Taken::kRejected:
      return reject(std::move(*taking.rejected));
    case Taken::kNeedsAccount:
    case Taken::kNeedsView:
      return park(table_.account(tenant, report.account), report, index, ticket);
  }
}

void Shard::seal(const std::shared_ptr<Ticket>& ticket) {
  ticket->outcome.next_report_ms = std::max(ticket->outcome.next_report_ms, interval_ms_);
  wait_for_frame(ticket);
}

Shard::Taking Shard::take(std::string_view tenant, const Report& report, Instant arrival) {
  Taking found = find_or_load(tenant, report, report.view);
  if (found.taken != Taken::kDone) return found;
  if (found.entry == nullptr) return begin_view(tenant, report, report.view, arrival);
  const std::string_view conflict = conflict_of(*found.entry, report);
  if (conflict.empty()) return take_entry(*found.entry, report, arrival);
  if (!report.cmcd || conflict != "title") {
    return {
        .taken = Taken::kRejected,
        .entry = nullptr,
        .rejected = rejection(Errc::kConflict, "the view '" + std::string(report.view) +
                                                   "' began with another " + std::string(conflict) +
                                                   "; start a view of its own for this one")};
  }
  const std::string other = other_view_id(report.view, report.title);
  found = find_or_load(tenant, report, other);
  if (found.taken != Taken::kDone) return found;
  if (found.entry == nullptr) return begin_view(tenant, report, other, arrival);
  return take_entry(*found.entry, report, arrival);
}

// Finds the view in memory or, without blocking, in the store. No entry: it has never been seen.
Shard::Taking Shard::find_or_load(std::string_view tenant, const Report& report,
                                  std::string_view view) {
  const std::uint16_t slot = slot_of(tenant, report.account);
  PLAYHEAD_ASSERT(owns(slot));
  if (settles(slot) && !hurried_) return {.taken = Taken::kNeedsAccount, .entry = nullptr};
  if (Entry* entry = table_.find(slot, tenant, report.account, view))
    return {.taken = Taken::kDone, .entry = entry};
  // What the store has of it is its owner's matter: here it begins anew, and he joins the two.
  if (slots_[slot].foreign) return {.taken = Taken::kDone, .entry = nullptr};
  Account& account = table_.account(tenant, report.account);
  const AccountRef ref{account.tenant, account.account};
  if (!account.loaded) {
    if (!try_load(account)) return {.taken = Taken::kNeedsAccount, .entry = nullptr};
    if (Entry* entry = table_.find(account, view)) return {.taken = Taken::kDone, .entry = entry};
  }
  if (view == absent_ || view == unread_) return {.taken = Taken::kDone, .entry = nullptr};
  auto stored = parts_.store->try_view(ref, view);
  if (!stored || !*stored)
    return {
        .taken = Taken::kNeedsView, .entry = nullptr, .rejected = {}, .view = std::string(view)};
  const std::optional<StoredView>& found = **stored;
  if (!found || is_hidden(tenant, report.account, found->ids.get().profile))
    return {.taken = Taken::kDone, .entry = nullptr};
  return {.taken = Taken::kDone, .entry = &adopt(account, std::move(***stored))};
}

Shard::Taking Shard::begin_view(std::string_view tenant, const Report& report,
                                std::string_view view, Instant arrival) {
  const auto refuse = [&](Errc code, std::string detail) {
    if (Account* account = table_.find_account(tenant, report.account)) table_.release(*account);
    return Taking{.taken = Taken::kRejected,
                  .entry = nullptr,
                  .rejected = rejection(code, std::move(detail))};
  };
  if (table_.views() >= options_.views_max)
    return refuse(Errc::kOverloaded, "no room for another view; retry later");
  Account& account = table_.account(tenant, report.account);
  if (account.views >= options_.account_views_max)
    return refuse(Errc::kOverloaded, "the account has too many views at once; retry later");
  View fresh;
  fresh.clock_offset = clock_offset(report.sent_at, arrival);
  fresh.kind = report.kind;
  fresh.record = report.record;
  bool dropped = false;
  const bool part = !unread_.empty() && view == unread_;
  const Stamped stamped =
      stamp(report, fresh, arrival, options_.rules, &dropped, known(account.slot, part));
  if (stamped.order.at < arrival - options_.late_limit_ms)
    return refuse(Errc::kUnprocessable, "'at' is older than the reports that are still taken");
  if (is_erased(account, report.profile, stamped))
    return refuse(Errc::kErased, std::string(kErased));

  Entry& entry = table_.add(account, ids_of(tenant, report, view));
  entry.view = fresh;
  entry.cmcd = report.cmcd;
  entry.interval_ms = interval_ms_;
  entry.trail = std::make_unique<Trail>();
  entry.keyed_start = stamped.started_at.value_or(stamped.order.at);
  entry.part = part;
  if (part) {
    slots_with_parts_.set(entry.slot);
    slots_[entry.slot].looked_ms = 0;  // of what the store has nobody knows here
  }
  figures_.playheads_dropped += dropped;
  const bool late = arrival - stamped.order.at > expiry_ms(entry);
  fold(entry, stamped, arrival, late, true);
  if (!report.series.empty() || !report.next_title.empty()) entry.view.meta_order = stamped.order;
  mark_dirty(entry);
  journal_snapshot(entry);
  ++figures_.views_started;
  if (entry.active) publish_view(entry);
  return {.taken = Taken::kDone, .entry = &entry, .write_through = true};
}

Shard::Taking Shard::take_entry(Entry& entry, const Report& report, Instant arrival) {
  expire_overdue(entry);
  View& view = entry.view;
  bool dropped = false;
  Stamped stamped =
      stamp(report, view, arrival, options_.rules, &dropped, known(entry.slot, entry.part));
  if (stamped.order.at < arrival - options_.late_limit_ms)
    return {.taken = Taken::kRejected,
            .entry = nullptr,
            .rejected = rejection(Errc::kUnprocessable,
                                  "'at' is older than the reports that are still taken")};
  if (view.terminated() && stamped.order.at > view.terminated_at) {
    Rejected rejected =
        rejection(Errc::kTerminated, "the view was ended from elsewhere; stop playing");
    rejected.ended_by = entry.ids.get().ended_by;
    return {.taken = Taken::kRejected, .entry = nullptr, .rejected = std::move(rejected)};
  }
  // A view that was begun after an erasure knows nothing older; most accounts were never erased.
  if (std::min(stamped.order.at, stamped.started_at.value_or(stamped.order.at)) <
      entry.keyed_start) {
    const Account* account = table_.find_account(entry.ids.get().tenant, report.account);
    PLAYHEAD_ASSERT(account != nullptr);
    if (!account->loaded && !slots_[entry.slot].foreign)
      return {.taken = Taken::kNeedsAccount, .entry = nullptr};
    if (is_erased(*account, report.profile, stamped))
      return {.taken = Taken::kRejected,
              .entry = nullptr,
              .rejected = rejection(Errc::kErased, std::string(kErased))};
  }
  figures_.playheads_dropped += dropped;
  const bool late = arrival - stamped.order.at > expiry_ms(entry);
  if (view.deleted) {  // its later reports are dropped; its player is still watching
    if (entry.active && !late) live_on(entry, arrival);
    return {.taken = Taken::kDone, .entry = &entry};
  }
  // A start that is no earlier than the one known says nothing: it need not be journalled.
  if (stamped.started_at && *stamped.started_at >= view.start) stamped.started_at.reset();

  const bool was_active = entry.active;
  const State shown = view.state;
  const Playhead shown_playhead = view.playhead;
  const Instant start = view.start;
  const bool finished = view.finished();
  const std::uint32_t journalled_interval_ms = entry.interval_ms;
  bool changed = fold(entry, stamped, arrival, late, false);
  const bool texts = stamped.order > view.meta_order && update_texts(entry, report, stamped.order);
  changed = changed || texts;
  if (!changed && was_active == entry.active) {
    ++figures_.repeats;
    return {.taken = Taken::kDone, .entry = &entry, .write_through = awaits_store(entry)};
  }
  // A heartbeat alone may wait for a checkpoint: one of an active view, to its owner. Whoever takes
  // the slot over knows what else may be missing, for he finds the view active.
  const bool heartbeat = was_active && entry.active && shown == view.state;
  // Titles get to know of pauses and ends. What else is done in an active view, reads lay over
  // them.
  const bool moved_only = was_active && entry.active && !late && !texts && view.start == start &&
                          (heartbeat || view.state != State::kPaused) &&
                          view.finished() == finished;
  if (moved_only)
    mark_moved(entry);
  else
    mark_dirty(entry);
  // A replay knows of no expiry: what comes back is told whole, and so is that it has no place.
  const bool comes_back = entry.active && !was_active;
  if (entry.journalled && !texts && !comes_back && entry.interval_ms == journalled_interval_ms)
    // What could not bring the view back must not do so in a replay, which knows of no expiry.
    journal_heartbeat(entry, stamped, arrival, late || !entry.active);
  else
    journal_snapshot(entry);
  figures_.late += late;
  if (!late) entry.inherited = false;
  // Nor does one that follows on what the store still lacks.
  const bool follows = heartbeat && !slots_[entry.slot].foreign && awaits_store(entry);
  if (was_active && !entry.active) {
    ++figures_.views_ended;
    publish_end(entry, view.reason(), stamped.order.at);
  } else if (entry.active && (!was_active || shown != view.state)) {
    publish_view(entry);
  } else if (entry.active && view.playhead != shown_playhead && !entry.moved_since) {
    entry.moved_since = true;
    moved_.push_back(entry.number);
  }
  return {.taken = Taken::kDone,
          .entry = &entry,
          .write_through = !heartbeat || slots_[entry.slot].foreign || follows,
          .follows = follows};
}

// Series and next title are the latest known. False if the report has none, or the same as are
// known: that says nothing new, and need not be journalled.
bool Shard::update_texts(Entry& entry, const Report& report, const Order& order) {
  if (report.series.empty() && report.next_title.empty()) return false;
  entry.view.meta_order = order;
  Ids ids = entry.ids.get();
  if (ids.series == report.series && ids.next_title == report.next_title) return false;
  ids.series = report.series;
  ids.next_title = report.next_title;
  entry.ids = PackedIds(ids);
  return true;
}

// What a report does to memory; the same when it comes from a player and from the journal. False if
// it changed nothing of what is durable.
bool Shard::fold(Entry& entry, const Stamped& stamped, Instant arrival, bool late, bool is_new) {
  const Transition transition = apply(entry.view, entry.trail.get(), stamped, options_.rules);
  if (transition.refused || (!transition.changed && !is_new)) return false;
  if (entry.view.qualified()) entry.trail.reset();
  ++figures_.reports;
  ++slots_[entry.slot].reports;
  if (entry.view.ended()) {
    set_active(entry, false);
    return true;
  }
  if (late) {  // it never makes a view active, but may pause it
    if (entry.active) set_deadline(entry);
    return true;
  }
  const State state = stamped.state == State::kKeep ? entry.view.state : stamped.state;
  // What fell silent is reopened only by someone who plays.
  if (!entry.active && !is_new && !is_opening(state)) return true;
  entry.expired = false;
  set_active(entry, true);
  live_on(entry, arrival);
  return true;
}

// A fresh report has come.
void Shard::live_on(Entry& entry, Instant arrival) {
  entry.last_arrival = std::max(entry.last_arrival, arrival);
  if (!replaying_) entry.interval_ms = interval_ms_;
  set_deadline(entry);
}

void Shard::park(Account& account, const Report& report, std::uint32_t index,
                 const std::shared_ptr<Ticket>& ticket) {
  if (ticket->prompt()) {
    ticket->outcome.waiting.push_back(index);
    return table_.release(account);  // whoever sends it may be gone
  }
  if (parked_ >= options_.parked_max) {
    Rejected rejected =
        rejection(Errc::kOverloaded, "too many accounts are being read; retry later");
    rejected.index = index;
    ticket->outcome.rejected.push_back(std::move(rejected));
    ++figures_.rejected;
    return;
  }
  Parked parked{.bytes = {}, .index = index, .ticket = ticket};
  encode(parked.bytes, report);
  ticket->hold();
  ++parked_;
  account.parked.push_back(std::move(parked));
  if (account.parked.size() > 1) return;
  ++account.busy;
  boost::asio::co_spawn(parts_.executor, unpark({account.tenant, account.account}),
                        boost::asio::detached);
}

// Works off an account's parked reports in order, reading what they need from the store.
Task<> Shard::unpark(AccountRef ref) {
  Account* account = table_.find_account(ref.tenant, ref.account);
  std::string absent, unread;
  while (!account->parked.empty()) {
    Parked& front = account->parked.front();
    std::string_view bytes = front.bytes;
    const Result<Report> report = decode_report(bytes);
    PLAYHEAD_ASSERT(report.has_value());
    absent_ = absent;
    unread_ = unread;
    hurried_ = has_waited(*front.ticket);
    Taking taking = take(ref.tenant, *report, now());
    hurried_ = false;
    absent_.clear();
    unread_.clear();
    if (taking.taken == Taken::kNeedsAccount || taking.taken == Taken::kNeedsView) {
      const auto error = co_await bring(ref, taking);
      // A store that did not answer has not said that the view is not there.
      absent = error ? std::string() : taking.view;
      if (!error) continue;
      // A store that is away keeps no report waiting: what came in is a part, until it is back. Of
      // an account that is not in memory all is.
      const bool away = error->code == Errc::kUnavailable && in_cluster();
      unread = away ? taking.view : std::string();
      if (!unread.empty() || (away && step_back(account->slot))) continue;
      taking.taken = Taken::kRejected;
      taking.rejected = {.index = 0, .error = *error};
    }
    if (taking.taken == Taken::kDone) {
      ++front.ticket->outcome.accepted;
      if (taking.write_through) write_through(taking.entry->number, front.ticket, taking.follows);
      seal(front.ticket);
    } else {
      taking.rejected->index = front.index;
      front.ticket->outcome.rejected.push_back(std::move(*taking.rejected));
      ++figures_.rejected;
    }
    front.ticket->release();
    account->parked.pop_front();
    --parked_;
  }
  --account->busy;
  table_.release(*account);
}

// Reads what is needed, the account or the view, into memory.
Task<std::optional<Error>> Shard::bring(AccountRef ref, Taking needed) {
  std::optional<Error> error;
  if (const std::uint16_t slot = slot_of(ref.tenant, ref.account); settles(slot)) {
    // Nobody reads the account meanwhile: its parts may go.
    Account* account = table_.find_account(ref.tenant, ref.account);
    --account->busy;
    co_await settle_end_.wait();
    ++account->busy;
  } else if (needed.taken == Taken::kNeedsAccount) {
    if (const Result<void> loaded = co_await load(ref); !loaded) error = loaded.error();
  } else {
    const Result<Entry*> entry = co_await view_in_memory(ref, needed.view);
    if (!entry && entry.error().code != Errc::kNotFound) error = entry.error();
  }
  co_return error;
}

}  // namespace playhead
