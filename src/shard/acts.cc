// What is done to views and titles by will: starts under a limit, ends from elsewhere, deletions,
// marks.
#include <algorithm>

#include "base/assert.h"
#include "shard/shard.h"

namespace playhead {
namespace {

// How long nobody is refused who may have been let in by others: some looks into the inbox.
constexpr Millis kLookGraceMs = 5'000;

}  // namespace

// Ends a view without a report of its own. The end is journalled with all of the view.
void Shard::end_from_outside(Entry& entry, EndReason reason, Instant at,
                             std::string_view by_device) {
  const bool was_active = entry.active;
  if (!end_view(entry.view, reason, at)) return;
  Ids ids = entry.ids.get();
  ids.ended_by = by_device;
  entry.ids = PackedIds(ids);
  set_active(entry, false);
  mark_dirty(entry);
  journal_snapshot(entry);
  if (!was_active) return;
  ++figures_.views_ended;
  publish_end(entry, reason, at);
}

// Whom a start on `device` meets among the account's active views.
struct Shard::Meeting {
  std::vector<Entry*> others;    ///< count against the limit
  std::vector<Entry*> replaced;  ///< the device's former views
  Entry* target = nullptr;       ///< the one to take over
};

Shard::Meeting Shard::meet(const Account& account, const Entry* own, std::string_view device,
                           std::string_view terminate) {
  Meeting meeting;
  table_.each_of(account, [&](Entry& other) {
    if (!other.active || &other == own) return;
    const Ids ids = other.ids.get();
    if (!terminate.empty() && ids.view == terminate) {
      meeting.target = &other;
    } else if (!device.empty() && ids.device == device) {
      meeting.replaced.push_back(&other);
    } else {
      meeting.others.push_back(&other);
    }
  });
  return meeting;
}

// Whether `report` makes its view active that was not: only then are others in its way. What was
// ended for good does not start, its player is told so whatever the limit; a late report, as of a
// device that was offline, tells of what is over.
bool Shard::starts(const Report& report, const Entry* own) const {
  if (own != nullptr && (own->active || own->view.terminated() || !is_opening(report.state)))
    return false;
  if (is_ending(report.state)) return false;
  const Instant arrival = now();
  const Millis offset =
      own != nullptr ? own->view.clock_offset : clock_offset(report.sent_at, arrival);
  const Millis silence = own != nullptr ? expiry_ms(*own) : Millis{3} * interval_ms_;
  return arrival - (report.at + offset) <= silence;
}

// Whether the active view has a place within the limit. Who came while nobody could look takes one
// that is free; views without a place count for those who come, but take none from those who asked.
bool Shard::has_place(const Account& account, Entry& entry, std::optional<unsigned> limit) {
  if (entry.granted) return true;
  const Slot& slot = slots_[entry.slot];
  if (in_cluster() && !(slot.erasures.empty() && slot.flushing_erasures.empty()))
    return false;  // the store may still have whose places they were
  unsigned others = 0;
  table_.each_of(account, [&](const Entry& other) { others += other.granted; });
  if (limit && others >= *limit) return false;
  entry.granted = true;
  mark_moved(entry);
  journal_snapshot(entry);
  return true;
}

// Whether its owner knows whom others let in. Who can't read the inbox decides all the same, after
// a while.
bool Shard::has_looked(std::uint16_t slot) const {
  return !in_cluster() || slots_[slot].looked_ms != 0 ||
         parts_.clock->monotonic_ms() - slots_[slot].gained_ms > kLookGraceMs;
}

// Ends that the store may lack are stored with the grant: else the next owner finds more places
// taken than there are.
void Shard::add_untold_ends(const Account& account, std::vector<std::uint32_t>& changed) {
  table_.each_of(account, [&](const Entry& other) {
    if (!other.active && (other.dirty || other.flushing || awaits_store(other)))
      changed.push_back(other.number);
  });
}

// The start itself. Nothing is awaited: the decision holds for what is in memory now.
PutAnswer Shard::decide_put(const AccountRef& ref, const Report& report,
                            std::optional<unsigned> limit, std::string_view terminate,
                            std::vector<std::uint32_t>& changed) {
  PutAnswer answer;
  Account& account = table_.account(ref.tenant, ref.account);
  PLAYHEAD_ASSERT(account.loaded);
  table_.each_of(account, [this](Entry& entry) { expire_overdue(entry); });
  const Entry* own = table_.find(account, report.view);
  const bool known = own != nullptr;
  const bool start = starts(report, own);
  const bool asks = known && own->active && !own->granted;  // for a place
  Meeting meeting;
  if (start || asks) meeting = meet(account, own, report.device, terminate);
  const bool full = start && limit && meeting.others.size() >= *limit;
  // Who was let in by others, and is not known yet, is not refused for asking again.
  if (full && has_looked(account.slot)) {
    for (const Entry* other : meeting.others) answer.in_the_way.push_back(item_of(*other));
    answer.error =
        Error{Errc::kLimitReached, "the account already plays on as many devices as it may"};
    return answer;
  }
  if (!known) absent_ = report.view;
  Taking taking = take(ref.tenant, report, now());
  absent_.clear();
  if (taking.taken == Taken::kRejected) {
    answer.ended_by = taking.rejected->ended_by;
    answer.error = taking.rejected->error;
    return answer;
  }
  PLAYHEAD_ASSERT(taking.taken == Taken::kDone);
  const bool started = start && taking.entry->active;
  if ((started || asks) && meeting.target != nullptr) {
    end_from_outside(*meeting.target, EndReason::kTerminated, now(), report.device);
    changed.push_back(meeting.target->number);
  }
  for (Entry* other : started ? meeting.replaced : std::vector<Entry*>()) {
    end_from_outside(*other, EndReason::kReplaced, now(), report.device);
    changed.push_back(other->number);
  }
  Entry& entry = *taking.entry;
  const bool had_place = entry.granted;
  answer.checked = !entry.active || (!full && has_place(account, entry, limit));
  const bool gets_place = entry.granted && !had_place;
  if (taking.write_through || gets_place) changed.push_back(entry.number);
  if (gets_place || (entry.granted && awaits_store(entry))) add_untold_ends(account, changed);
  answer.result = started ? PutResult::kStarted : PutResult::kReported;
  answer.item = item_of(entry);
  answer.next_report_ms = interval_ms_;
  return answer;
}

Task<PutAnswer> Shard::put(std::string tenant, std::string bytes, std::optional<unsigned> limit,
                           std::string terminate) {
  std::string_view rest = bytes;
  const Result<Report> decoded = decode_report(rest);
  PLAYHEAD_ASSERT(decoded.has_value());
  const Report& report = *decoded;
  PutAnswer refused;
  const AccountRef ref{tenant, std::string(report.account)};
  const std::uint16_t slot = slot_of(ref.tenant, ref.account);
  while (settles(slot) || slots_[slot].giving) co_await settle_end_.wait();
  if (slots_[slot].foreign) co_return co_await put_unchecked(std::move(tenant), report);
  auto found = co_await view_in_memory(ref, std::string(report.view));
  if (!found && found.error().code != Errc::kNotFound) {
    forget_idle(ref);
    const bool away = found.error().code == Errc::kUnavailable && in_cluster();
    const Account* account = table_.find_account(ref.tenant, ref.account);
    const bool loaded = account != nullptr && account->loaded;
    if (away && (loaded || step_back(slot)))
      co_return co_await put_unchecked(std::move(tenant), report, loaded);
    refused.error = found.error();
    co_return refused;
  }
  if (found && (*found)->part) {
    forget_idle(ref);
    co_return co_await put_unchecked(std::move(tenant), report);
  }
  if (refused.error = refusal(); refused.error) {
    forget_idle(ref);
    co_return refused;
  }
  std::vector<std::uint32_t> changed;
  PutAnswer answer = decide_put(ref, report, limit, terminate, changed);
  forget_idle(ref);
  if (answer.error) co_return answer;
  if (auto kept = co_await keep_grant(slot, changed); !kept) {
    refused.error = kept.error();
    if (failed_ || answer.result == PutResult::kStarted) co_return refused;
    answer.checked = false;  // it plays on; its next report asks again
    answer.unstored = true;
  }
  co_return answer;
}

// A grant counts once the journal has it; in a cluster, once whoever takes the slot over will see
// it: stored, and the lease looked at after that.
Task<Result<void>> Shard::keep_grant(std::uint16_t slot, std::vector<std::uint32_t> numbers) {
  if (!in_cluster()) co_return co_await durable();
  auto ticket = std::make_shared<Ticket>();
  ticket->hold();
  for (const std::uint32_t number : numbers) write_through(number, ticket);
  wait_for_frame(ticket);
  ticket->release();
  co_await ticket->wait();
  if (ticket->failure()) co_return std::unexpected(*ticket->failure());
  if (slots_[slot].foreign || !holds_lease(slot) || ticket->outcome.unstored) {
    // The inbox may have it, which has no places: whoever repeats it waits for the rows.
    for (const std::uint32_t number : numbers) table_.at(number).through_wanted = true;
    co_return fail(Errc::kUnavailable, "the account is changing hands; repeat the request");
  }
  co_return Result<void>{};
}

// Nobody knows here who else is watching: the start is taken, and says so.
Task<PutAnswer> Shard::put_unchecked(std::string tenant, const Report& report, bool unread) {
  PutAnswer answer{.checked = false};
  if (answer.error = refusal(); answer.error) co_return answer;
  if (unread) unread_ = report.view;
  Taking taking = take(tenant, report, now());
  unread_.clear();
  if (taking.taken != Taken::kDone) {
    answer.error = taking.rejected ? taking.rejected->error : Error{Errc::kUnavailable, "retry"};
    if (taking.rejected) answer.ended_by = taking.rejected->ended_by;
    co_return answer;
  }
  answer.result = taking.entry->active ? PutResult::kStarted : PutResult::kReported;
  answer.item = item_of(*taking.entry);
  answer.next_report_ms = interval_ms_;
  auto ticket = std::make_shared<Ticket>();
  ticket->hold();
  write_through(taking.entry->number, ticket);
  wait_for_frame(ticket);
  ticket->release();
  co_await ticket->wait();
  if (ticket->failure()) answer.error = *ticket->failure();
  answer.unstored = ticket->outcome.unstored;
  co_return answer;
}

Task<Result<void>> Shard::terminate(AccountRef ref, std::string view, std::string by_device) {
  auto found = co_await view_in_memory(ref, view);
  forget_idle(ref);
  if (!found && found.error().code == Errc::kNotFound &&
      how_fresh(ref).freshness != Freshness::kFresh)
    co_return fail(Errc::kUnavailable, "nobody can say yet that there is no such view; retry");
  if (!found) co_return std::unexpected(found.error());
  if (auto refused = refusal()) co_return std::unexpected(*std::move(refused));
  end_from_outside(**found, EndReason::kTerminated, now(), by_device);
  co_return co_await keep_grant((*found)->slot, {(*found)->number});
}

Task<Result<std::size_t>> Shard::erase_views(ProfileRef profile, std::vector<std::string> views) {
  std::size_t erased = 0;
  std::vector<std::uint32_t> numbers;
  for (const std::string& view : views) {
    auto found = co_await view_in_memory({profile.tenant, profile.account}, view);
    forget_idle({profile.tenant, profile.account});
    if (!found && found.error().code == Errc::kNotFound) continue;
    if (!found) co_return std::unexpected(found.error());
    if (auto refused = refusal()) co_return std::unexpected(*std::move(refused));
    Entry& entry = **found;
    const Ids ids = entry.ids.get();
    if (ids.profile != profile.profile || !entry.view.record || entry.view.deleted) continue;
    entry.view.deleted = true;
    mark_dirty(entry);
    journal_snapshot(entry);
    numbers.push_back(entry.number);
    ++erased;
  }
  const std::uint16_t slot = slot_of(profile.tenant, profile.account);
  if (auto kept = co_await keep_grant(slot, std::move(numbers)); !kept)
    co_return std::unexpected(kept.error());
  co_return erased;
}

Task<Result<bool>> Shard::merge_titles(ProfileRef profile, std::vector<NamedTitle> deltas) {
  const AccountRef ref{profile.tenant, profile.account};
  // Marks merge in the store itself, whoever writes them.
  if (!slots_[slot_of(ref.tenant, ref.account)].foreign) {
    if (auto loaded = co_await load(ref); !loaded) co_return std::unexpected(loaded.error());
    drop_erased(profile, deltas);
    forget_idle(ref);
  }
  if (auto refused = refusal()) co_return std::unexpected(*std::move(refused));
  const std::uint16_t slot = slot_of(profile.tenant, profile.account);
  std::vector<Change> changes;
  for (NamedTitle& delta : deltas) {
    mark_slot(slot);
    writer().title({.tenant = profile.tenant,
                    .account = profile.account,
                    .profile = profile.profile,
                    .title = delta.title,
                    .delta = delta.state});
    changes.emplace_back(TitleChange{profile, delta.title, delta.state, slots_[slot].foreign});
    keep_title(slot, TitleChange{profile, delta.title, std::move(delta.state)});
  }
  if (auto kept = co_await durable(); !kept) co_return std::unexpected(kept.error());
  if (!in_cluster() || store_away_) co_return !in_cluster();
  // As for starts and ends: it does not hang on this node's disk, unless the store is away. Marks
  // merge, so that a sweep may say them again.
  const auto written = co_await parts_.store->write(std::move(changes));
  store_away_ = !written;
  co_return written.has_value();
}

// Remembers what the store has not been given yet.
void Shard::keep_title(std::uint16_t slot, TitleChange change) {
  std::string key = change.profile.tenant + '\0' + change.profile.account + '\0' +
                    change.profile.profile + '\0' + change.title;
  auto [kept, added] = slots_[slot].titles.try_emplace(std::move(key), change);
  if (!added) kept->second.delta.merge(change.delta);
}

}  // namespace playhead
