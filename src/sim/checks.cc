// The promises, one by one.
#include "sim/checks.h"

#include <algorithm>
#include <set>

namespace playhead::sim {
namespace {

constexpr Millis kExpiryMs = 30'000;  // three intervals of 10 s
constexpr Millis kPausedExpiryMs = 60'000;
constexpr Millis kExpirySlackMs =
    3'000;  // the wheel turns in seconds, the world ticks in parts of one
constexpr Millis kQualifyMs = 10'000;
constexpr Millis kHistoryPage = 7;

Rank rank_of(const Order& order) { return {order.at.ms, order.sequence, order.digest}; }

std::string told_name(const ViewTold& told) { return told.account + "/" + told.view; }

// All that was said of a view, for the eye.
std::string text_of(const ViewTold& told) {
  std::string out;
  for (const Said& said : told.said)
    out += std::string(" ") +
           (said.acked       ? ""
            : said.maybe > 0 ? "?"
                             : "-") +
           std::to_string(said.at.ms % 10'000'000) + "#" + std::to_string(said.sequence) +
           std::string(name_of(said.state)) + "@" +
           (said.playhead ? std::to_string(*said.playhead) : "none");
  return out;
}

// The latest acknowledged report with a playhead of a player that surely had one.
Rank moved_position(const ViewTold& told) {
  Rank latest = Facts().positioned;
  for (const Said& said : told.said)
    if (said.acked && said.playhead && !told.live &&
        (said.state == State::kPlaying || said.state == State::kSeeking))
      latest = std::max(latest, said.rank);
  return latest;
}

Task<std::optional<StoredView>> read_view(Process& process, AccountRef account, std::string view) {
  Shard& shard = process.shard_of(account);
  if (auto found = shard.find(account, view)) co_return found;
  auto stored = co_await process.store().view(account, view);
  if (!stored || !*stored) co_return std::nullopt;
  if (shard.hidden(account).covers((*stored)->ids.get().profile)) co_return std::nullopt;
  co_return std::move(*stored);
}

}  // namespace

std::vector<std::string> Checks::run() {
  read_views();
  std::set<std::string> accounts;
  std::set<ProfileKey> profiles;
  std::set<std::pair<ProfileKey, std::string>> titles;
  for (const ViewTold& told : model_.views) {
    const auto found = found_.find(told.view);
    check_view(told, found == found_.end() ? nullptr : &found->second);
    accounts.insert(told.account);
    profiles.insert({told.account, told.profile});
    titles.insert({{told.account, told.profile}, told.title});
  }
  for (const std::string& account : accounts) check_viewers(account);
  for (const ProfileKey& profile : profiles) check_history(profile);
  for (const auto& [profile, title] : titles) check_title(profile, title);
  return broken_;
}

void Checks::read_views() {
  for (const ViewTold& told : model_.views) {
    const AccountRef account{std::string(kTenant), told.account};
    auto found = process_.run(process_.index_of(account), read_view(process_, account, told.view));
    if (found) found_.emplace(told.view, std::move(*found));
  }
}

void Checks::check_view(const ViewTold& told, const StoredView* found) {
  const Facts acked = Model::acked(told), possible = Model::possible(told);
  if (found != nullptr && model_.erased(told))
    broken(told_name(told) + ": was erased, and is there");
  if (found == nullptr) {
    if (acked.any && !model_.maybe_erased(told))
      broken(told_name(told) + ": acknowledged, and not there");
    return;
  }
  if (!possible.any) return broken(told_name(told) + ": there, and never reported");
  const Ids ids = found->ids.get();
  if (ids.profile != told.profile || ids.title != told.title || ids.device != told.device)
    broken(told_name(told) + ": is another one's");
  if (told.deleting) return;  // what came after the deletion is dropped
  // Gone from memory, and the store has not been told yet: what it has is of before.
  if (model_.maybe_erased(told)) return;
  check_bounds(told, found->view);
  check_qualified(told, found->view);
  check_ends(told, *found);
}

// Each field lies between what was acknowledged and what was sent, and is what a report said.
void Checks::check_bounds(const ViewTold& told, const View& view) {
  const Facts acked = Model::acked(told), possible = Model::possible(told);
  const auto within = [&](const char* field, const auto& low, const auto& is, const auto& high) {
    if (is < low)
      broken(told_name(told) + ": an acknowledged " + field + " is lost: " + text_of(told));
    if (is > high) broken(told_name(told) + ": a " + field + " that nobody reported");
  };
  within("report", acked.cursor, rank_of(view.cursor), possible.cursor);
  within("state", acked.stated, rank_of(view.state_order), possible.stated);
  within("position", options_.in_parts ? moved_position(told) : acked.positioned,
         rank_of(view.position_order), possible.positioned);
  within("opening", acked.opened, rank_of(view.opened_order), possible.opened);
  within("movement", acked.moved_surely, view.moved.ms, possible.moved);
  within("watched time", acked.watched, view.watched, possible.watched);
  within("start", -acked.start, -view.start.ms, -possible.start);
  if (const Said* said = model_.find(told, rank_of(view.state_order));
      said != nullptr && said->state != view.state)
    broken(told_name(told) + ": its state is not what its last report said");
  if (const Said* said = model_.find(told, rank_of(view.position_order));
      said != nullptr && said->playhead != view.playhead)
    broken(told_name(told) + ": its playhead is not what its last report said");
  exact_ += Model::certain(told);
}

// The client's own count is proof; less than enough really played, and no `completed`, disproves.
void Checks::check_qualified(const ViewTold& told, const View& view) {
  const Facts acked = Model::acked(told), possible = Model::possible(told);
  const Millis enough = std::min(kQualifyMs, told.duration / 2);
  if ((acked.completed || acked.watched >= enough) && !view.qualified())
    broken(told_name(told) + ": was watched, and does not count");
  // Before a seek or an ad, and where a playhead is missing, as always in live views, what lies
  // between two reports can only be guessed: docs/decisions/0010.
  const bool plain = !told.live && std::ranges::all_of(told.said, [](const Said& said) {
    return said.playhead && said.state != State::kSeeking && said.state != State::kAd;
  });
  if (plain && !possible.completed && told.played < enough && view.qualified())
    broken(told_name(told) + ": was not watched, and counts");
}

void Checks::check_ends(const ViewTold& told, const StoredView& found) {
  const Facts acked = Model::acked(told), possible = Model::possible(told);
  const View& view = found.view;
  if (rank_of(view.ended_order) < acked.ended)
    broken(told_name(told) + ": an acknowledged end is lost");
  const bool replaced = view.end_reason == EndReason::kReplaced;
  if (!replaced && rank_of(view.ended_order) > possible.ended)
    broken(told_name(told) + ": ended, and nobody ended it");
  if (replaced && told.account != options_.strict_account)
    broken(told_name(told) + ": replaced, though its device started no other by PUT");
  if (told.terminated && !view.terminated())
    broken(told_name(told) + ": an acknowledged termination is lost");
  if (view.terminated() && !told.terminating)
    broken(told_name(told) + ": terminated, and nobody terminated it");
  if (found.active && view.ended()) broken(told_name(told) + ": active, though it has ended");
}

void Checks::check_viewers(const std::string& account) {
  const AccountRef ref{std::string(kTenant), account};
  auto answer = process_.run(0, process_.service().viewers(ref));
  if (!answer) return broken(account + ": no viewers: " + answer.error().detail);
  std::set<std::string> shown;
  for (const ViewerItem& item : answer->value)
    if (!shown.insert(item.view).second) broken(account + ": shows " + item.view + " twice");
  for (const ViewTold& told : model_.views)
    if (told.account == account) check_viewer(told, shown.contains(told.view));
  if (account == options_.strict_account) check_limit(shown);
}

// A start that was never answered is no grant: of one that died with the server a part may show.
void Checks::check_limit(const std::set<std::string>& shown) {
  std::string granted;
  unsigned count = 0;
  for (const ViewTold& told : model_.views) {
    if (!shown.contains(told.view) || !Model::acked(told).any) continue;
    granted += ' ' + told.view;
    ++count;
  }
  if (count > options_.strict_limit)
    broken(options_.strict_account + ": where " + std::to_string(options_.strict_limit) +
           " views may play, these do:" + granted);
}

void Checks::check_viewer(const ViewTold& told, bool shown) {
  const Facts acked = Model::acked(told), possible = Model::possible(told);
  if (shown && model_.erased(told)) broken(told_name(told) + ": was erased, and is active");
  if (shown && told.terminated) broken(told_name(told) + ": active after its termination");
  if (told.deleting) return;
  const Millis silent = possible.any ? now_.ms - possible.last_arrival : 0;
  if (shown && silent > kPausedExpiryMs + kExpirySlackMs)
    broken(told_name(told) + ": silent for " + std::to_string(silent) + " ms and still there");
  if (shown || told.terminating || model_.maybe_erased(told) || !Model::certain(told) || !acked.any)
    return;
  // The newest report says that it plays, was in time, and is not old.
  const Said* newest = model_.find(told, acked.cursor);
  if (newest == nullptr || newest->state == State::kStarting ||
      (newest->state != State::kPlaying && newest->state != State::kSeeking))
    return;
  const auto found = found_.find(told.view);
  if (found != found_.end() && found->second.view.end_reason == EndReason::kReplaced) return;
  const bool in_time = newest->arrived - newest->at < kExpiryMs / 2;
  if (in_time && now_ - newest->at < kExpiryMs - kExpirySlackMs && acked.ended < acked.opened)
    broken(told_name(told) + ": plays, and is not shown");
}

void Checks::check_history(const ProfileKey& key) {
  const ProfileRef profile{std::string(kTenant), key.first, key.second};
  std::map<std::string, int> rows;
  const auto check_place = [&](const HistoryItem& item) {
    const auto found = found_.find(item.view);
    if (found == found_.end()) return;
    const View& view = found->second.view;
    if (item.playhead.value_or(kNoPlayhead) != view.shown())
      broken(key.first + "/" + item.view + ": history shows it elsewhere than where it stands");
  };
  std::optional<HistoryNext> after;
  do {
    HistoryFilter filter;
    filter.all = true;
    auto page = process_.run(0, process_.service().history(profile, filter, after, kHistoryPage));
    if (!page) return broken(key.first + ": no history: " + page.error().detail);
    for (const HistoryItem& item : page->value.items) {
      ++rows[item.view];
      check_place(item);
    }
    after = page->value.next;
  } while (after);
  for (const ViewTold& told : model_.views) {
    if (told.account != key.first || told.profile != key.second) continue;
    const int count = rows[told.view];
    rows.erase(told.view);
    if (count > 1) broken(told_name(told) + ": stands in history more than once");
    if (count > 0 && (told.deleted || !told.record || model_.erased(told)))
      broken(told_name(told) + ": stands in history, and may not");
    if (count == 0 && told.record && !told.deleting && !model_.maybe_erased(told) &&
        Model::acked(told).any)
      broken(told_name(told) + ": is missing from history");
  }
  for (const auto& [view, count] : rows)
    if (count > 0) broken(key.first + "/" + view + ": stands in another's history");
}

// Who moved the title last, by the views as they are and by the acts.
void Checks::check_title(const ProfileKey& key, const std::string& title) {
  const ProfileRef profile{std::string(kTenant), key.first, key.second};
  auto answer = process_.run(0, process_.service().progress(profile, {title}));
  if (!answer) return broken(key.first + ": no progress: " + answer.error().detail);
  const std::string name = key.first + "/" + key.second + "/" + title;
  // (moved, by an act, view): the greatest has it.
  using Mover = std::tuple<std::int64_t, bool, std::string>;
  std::optional<Mover> last;
  std::optional<Playhead> playhead;
  bool certain = true, any_deleted = false, any_erased = false;
  for (const ViewTold& told : model_.views) {
    if (told.account != key.first || told.profile != key.second || told.title != title) continue;
    certain = certain && Model::certain(told);
    any_deleted = any_deleted || told.deleting;
    any_erased = any_erased || (model_.maybe_erased(told) && !model_.erased(told));
    const auto found = found_.find(told.view);
    if (found == found_.end() || !told.record || told.live) continue;
    const View& view = found->second.view;
    const Mover mover{view.moved.ms, false, told.view};
    if (!view.qualified() || view.moved == kNever || view.playhead == kNoPlayhead) continue;
    if (last && mover < *last) continue;
    last = mover;
    playhead = view.playhead;
  }
  for (const ActTold& act : model_.acts) {
    if (act.account != key.first || act.profile != key.second || act.title != title) continue;
    if (model_.maybe_erased(act.account, act.profile, act.at)) {
      any_erased = true;
      continue;
    }
    certain = certain && act.acked;
    const Mover mover{act.at.ms, true, ""};
    if (!act.acked || !act.playhead || (last && mover < *last)) continue;
    last = mover;
    playhead = act.playhead;
  }
  const ProgressItem* item = answer->value.empty() ? nullptr : &answer->value.front();
  if (item != nullptr)
    for (const ViewTold& told : model_.views)
      if (told.deleted && told.view == item->view)
        broken(name + ": its position comes from a deleted view");
  if (item != nullptr && item->at && model_.erased(key.first, key.second, *item->at))
    broken(name + ": was erased, and has progress");
  // What may have been erased may be there or not.
  if (any_deleted || any_erased || !last) return;
  const auto& [moved, act, view] = *last;
  if (item == nullptr || !item->at) return broken(name + ": its position is lost");
  if (item->at->ms < moved) return broken(name + ": its position went back");
  if (!certain) return;
  ++exact_;
  if (item->at->ms != moved || item->view != view)
    return broken(name + ": moved by '" + item->view + "', not by '" + view +
                  "' who moved it last");
  if (!item->finished && item->playhead != playhead)
    broken(name + ": stands elsewhere than where it was left");
}

}  // namespace playhead::sim
