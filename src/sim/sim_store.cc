// Rows that settle, and a handle that is slow and fails.
#include "sim/sim_store.h"

#include "base/assert.h"

namespace playhead::sim {
namespace {

std::unexpected<Error> gone() { return fail(Errc::kUnavailable, "the simulated store is away"); }

StoredView decoded(std::string_view bytes) {
  auto view = decode_view(bytes);
  PLAYHEAD_ASSERT(view.has_value());
  return std::move(*view);
}

Change copy_of(const Change& change) {
  if (const auto* title = std::get_if<TitleChange>(&change)) return *title;
  if (const auto* erasure = std::get_if<EraseChange>(&change)) return *erasure;
  const auto& view = std::get<ViewChange>(change);
  return ViewChange{
      .view = view.view.clone(), .first = view.first, .position_only = view.position_only};
}

// The rows that Cassandra's adapter (store/cassandra/writes.cc) writes for it.
std::uint64_t rows_of(const Change& change) {
  if (const auto* title = std::get_if<TitleChange>(&change)) return title->delta.has_act() ? 2 : 1;
  const auto* view = std::get_if<ViewChange>(&change);
  if (view == nullptr) return 0;
  const std::uint64_t listed = view->view.view.record ? 1 : 0;
  if (view->first) return 3 + 2 * listed;  // itself, active, its profile; history and its year
  return view->position_only ? 1 : 2 + listed;
}

}  // namespace

void Rows::Tables::apply(const Change& change) {
  if (const auto* title = std::get_if<TitleChange>(&change)) {
    const ProfileRef& profile = title->profile;
    titles[{profile.tenant, profile.account, profile.profile, title->title}].merge(title->delta);
    if (title->delta.has_act())
      profiles.insert(ProfileKey{profile.tenant, profile.account, profile.profile});
    return;
  }
  if (const auto* erasure = std::get_if<EraseChange>(&change)) return erase(*erasure);
  const auto& [view, first, position_only, until_ms] = std::get<ViewChange>(change);
  const Ids ids = view.ids.get();
  const auto text = [](std::string_view id) { return std::string(id); };
  const ViewKey key{text(ids.tenant), text(ids.account), text(ids.view)};
  const ProfileKey profile{text(ids.tenant), text(ids.account), text(ids.profile)};
  // Without `first` the index entries must be there: nobody writes them again.
  if (first) profiles.insert(profile);
  std::string& row = views[key];
  row.clear();
  encode(row, view);
  if (!view.view.record || (copies ? position_only && !first : !first)) return;
  history[profile][{-view.keyed_start.ms, text(ids.view)}] = row;
}

void Rows::Tables::erase(const EraseChange& change) {
  const auto& [tenant, account] = change.account;
  const auto is_erased = [&](const auto& key) {
    return std::get<0>(key) == tenant && std::get<1>(key) == account &&
           (change.profile.empty() || std::get<2>(key) == change.profile);
  };
  std::erase_if(views, [&](const auto& row) {
    const StoredView view = decoded(row.second);
    const Ids ids = view.ids.get();
    return is_erased(
        std::tuple(std::string(ids.tenant), std::string(ids.account), std::string(ids.profile)));
  });
  std::erase_if(history, [&](const auto& row) { return is_erased(row.first); });
  std::erase_if(titles, [&](const auto& row) { return is_erased(row.first); });
  std::erase_if(profiles, is_erased);
  const Mark profile = mark_of(tenant, account, change.profile);
  erasures[{tenant, account}].add(change.profile.empty() ? nullptr : &profile, change.through);
}

void Rows::write(Change change) {
  now_.apply(change);
  unsettled_.push_back(std::make_shared<const Change>(std::move(change)));
}

void Rows::settle(std::size_t written) {
  if (written <= settled_) return;
  const std::size_t count = written - settled_;
  for (std::size_t i = 0; i < count; ++i) sure_.apply(*unsettled_[i]);
  unsettled_.erase(unsettled_.begin(), unsettled_.begin() + static_cast<std::ptrdiff_t>(count));
  settled_ = written;
}

void Rows::crash() {
  std::size_t kept = faults_.prng().below(unsettled_.size() + 1);
  if (faults_.strikes(Fault::kStoreLostUnsettled)) kept = 0;
  if (!unsettled_.empty() && faults_.strikes(Fault::kStoreKeptUnsettled)) kept = unsettled_.size();
  settle(settled_ + kept);
  settled_ += unsettled_.size();
  unsettled_.clear();
  now_ = sure_;
}

// Of a view's row that was sent earlier than the one that is there, only a place in history that
// there was none of stays.
void Rows::land(const Change& change, std::uint64_t stamp) {
  changed_ += rows_of(change);
  const auto* view = std::get_if<ViewChange>(&change);
  if (view == nullptr) return now_.apply(change);
  const Ids ids = view->view.ids.get();
  const ViewKey key{std::string(ids.tenant), std::string(ids.account), std::string(ids.view)};
  std::uint64_t& newest = stamp_of_[key];
  std::string newer, newer_place;
  const ProfileKey profile{std::string(ids.tenant), std::string(ids.account),
                           std::string(ids.profile)};
  const Place place{-view->view.keyed_start.ms, std::string(ids.view)};
  if (stamp < newest) {
    newer = now_.views.at(key);
    newer_place = now_.history[profile][place];
  }
  now_.apply(change);
  if (stamp < newest) {
    now_.views.at(key) = std::move(newer);
    std::string& row = now_.history[profile][place];
    if (!newer_place.empty()) row = std::move(newer_place);
    if (row.empty()) now_.history[profile].erase(place);
  }
  newest = std::max(newest, stamp);
}

Millis SimStore::delay() {
  if (faults_.strikes(Fault::kSlowStore))
    return static_cast<Millis>(200 + faults_.prng().below(8'000));
  return static_cast<Millis>(faults_.prng().below(10));
}

Task<> SimStore::pause() {
  if (!alive_ || faults_.calm()) co_return;
  co_await pause(delay());
}

Task<> SimStore::pause(Millis takes) {
  auto event = std::make_shared<Event>();
  const auto place = pauses_.insert(pauses_.end(), event);
  timeline_.in(takes, [weak = std::weak_ptr(event)] {
    if (const auto waiting = weak.lock(); waiting && !waiting->set()) waiting->signal();
  });
  co_await event->wait();
  pauses_.erase(place);
}

void SimStore::kill() {
  alive_ = false;
  for (const auto& event : pauses_)
    if (!event->set()) event->signal();
}

// On a failure a part of the changes has landed.
Task<Result<void>> SimStore::write(std::vector<Change> changes) {
  if (rows_.shared()) co_return co_await write_shared(std::move(changes));
  co_await pause();
  if (!alive_) co_return gone();
  std::size_t lands = changes.size();
  const bool fails = faults_.strikes(Fault::kFailedWrite);
  if (fails) lands = faults_.strikes(Fault::kPartlyWritten) ? faults_.prng().below(lands + 1) : 0;
  for (std::size_t i = 0; i < lands; ++i) rows_.write(copy_of(changes[i]));
  co_await pause();
  if (!alive_ || fails) co_return gone();
  co_return Result<void>{};
}

// It is on its way from here on: what becomes of this node is no matter to it.
Task<Result<void>> SimStore::write_shared(std::vector<Change> changes) {
  if (!alive_) co_return gone();
  const std::uint64_t stamp = rows_.next_stamp();
  std::size_t lands = changes.size();
  const bool fails = rows_.away() || faults_.strikes(Fault::kFailedWrite);
  if (fails) lands = faults_.strikes(Fault::kPartlyWritten) ? faults_.prng().below(lands + 1) : 0;
  if (rows_.away()) lands = 0;
  changes.erase(changes.begin() + static_cast<std::ptrdiff_t>(lands), changes.end());
  if (faults_.calm() && rows_.write_ms() == 0) {
    for (const Change& change : changes) rows_.land(change, stamp);
  } else {
    const Millis there = rows_.write_ms() > 0 ? rows_.write_ms() : delay();
    timeline_.in(there, [&rows = rows_, changes = std::move(changes), stamp] {
      for (const Change& change : changes) rows.land(change, stamp);
    });
    co_await pause(there + 1 + static_cast<Millis>(faults_.prng().below(10)));
  }
  if (!alive_ || fails) co_return gone();
  co_return Result<void>{};
}

Task<Result<void>> SimStore::settle() {
  const std::size_t written = rows_.written();
  co_await pause();
  if (!alive_ || rows_.away() || faults_.strikes(Fault::kFailedSettle)) co_return gone();
  rows_.settle(written);
  co_return Result<void>{};
}

Task<Result<void>> SimStore::read_pause() {
  co_await pause();
  if (!alive_ || rows_.away() || faults_.strikes(Fault::kFailedRead)) co_return gone();
  co_return Result<void>{};
}

std::vector<StoredView> SimStore::active_now(const AccountRef& account) const {
  std::vector<StoredView> out;
  const auto& views = rows_.now().views;
  for (auto row = views.lower_bound({account.tenant, account.account, ""});
       row != views.end() && std::get<0>(row->first) == account.tenant &&
       std::get<1>(row->first) == account.account;
       ++row) {
    StoredView view = decoded(row->second);
    if (view.active) out.push_back(std::move(view));
  }
  return out;
}

std::optional<StoredView> SimStore::view_now(const AccountRef& account,
                                             std::string_view view) const {
  const auto row = rows_.now().views.find({account.tenant, account.account, std::string(view)});
  if (row == rows_.now().views.end()) return std::nullopt;
  return decoded(row->second);
}

Erasures SimStore::erasures_now(const AccountRef& account) const {
  const auto& rows = rows_.now().erasures;
  const auto row = rows.find({account.tenant, account.account});
  return row == rows.end() ? Erasures{} : row->second;
}

std::vector<std::optional<TitleState>> SimStore::titles_now(
    const ProfileRef& profile, const std::vector<std::string>& titles) const {
  std::vector<std::optional<TitleState>> out;
  for (const std::string& title : titles) {
    const auto row =
        rows_.now().titles.find({profile.tenant, profile.account, profile.profile, title});
    out.push_back(row == rows_.now().titles.end() ? std::nullopt : std::optional(row->second));
  }
  return out;
}

Task<Result<std::vector<StoredView>>> SimStore::active_views(AccountRef account) {
  // What is read is as old as the question or as new as the answer.
  auto before = active_now(account);
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  if (faults_.prng().chance(500)) co_return before;
  co_return active_now(account);
}

Task<Result<std::optional<StoredView>>> SimStore::view(AccountRef account, std::string view) {
  auto before = view_now(account, view);
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  if (faults_.prng().chance(500)) co_return before;
  co_return view_now(account, view);
}

Task<Result<std::vector<std::optional<TitleState>>>> SimStore::titles(
    ProfileRef profile, std::vector<std::string> titles) {
  auto before = titles_now(profile, titles);
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  if (faults_.prng().chance(500)) co_return before;
  co_return titles_now(profile, titles);
}

Task<Result<std::vector<NamedTitle>>> SimStore::all_titles(ProfileRef profile,
                                                           std::size_t rows_max) {
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  std::vector<NamedTitle> out;
  for (const auto& [key, state] : rows_.now().titles) {
    const auto& [tenant, account, owner, title] = key;
    if (tenant != profile.tenant || account != profile.account || owner != profile.profile)
      continue;
    if (out.size() < rows_max) out.push_back({title, state});
  }
  co_return out;
}

Task<Result<HistoryRows>> SimStore::history(ProfileRef profile, std::optional<HistoryKey> after,
                                            std::size_t rows_max) {
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  HistoryRows out;
  const auto places = rows_.now().history.find({profile.tenant, profile.account, profile.profile});
  if (places == rows_.now().history.end()) co_return out;
  auto place = places->second.begin();
  if (after) place = places->second.upper_bound({-after->keyed_start.ms, after->view});
  for (; place != places->second.end() && out.views.size() < rows_max; ++place) {
    out.views.push_back(rows_.shared()
                            ? decoded(place->second)
                            : *view_now({profile.tenant, profile.account}, place->first.second));
    out.views.back().keyed_start = Instant{-place->first.first};
  }
  out.more = place != places->second.end();
  co_return out;
}

Task<Result<std::vector<std::string>>> SimStore::profiles(AccountRef account,
                                                          std::size_t rows_max) {
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  std::vector<std::string> out;
  for (const auto& [tenant, owner, profile] : rows_.now().profiles)
    if (tenant == account.tenant && owner == account.account && out.size() < rows_max)
      out.push_back(profile);
  co_return out;
}

Task<Result<Erasures>> SimStore::erasures(AccountRef account) {
  if (auto read = co_await read_pause(); !read) co_return std::unexpected(read.error());
  co_return erasures_now(account);
}

std::optional<Result<Erasures>> SimStore::try_erasures(const AccountRef& account) {
  if (!alive_ || rows_.shared() || faults_.strikes(Fault::kStoreMiss)) return std::nullopt;
  return erasures_now(account);
}

std::optional<Result<std::vector<StoredView>>> SimStore::try_active_views(
    const AccountRef& account) {
  if (!alive_ || rows_.shared() || faults_.strikes(Fault::kStoreMiss)) return std::nullopt;
  return active_now(account);
}

std::optional<Result<std::optional<StoredView>>> SimStore::try_view(const AccountRef& account,
                                                                    std::string_view view) {
  if (!alive_ || rows_.shared() || faults_.strikes(Fault::kStoreMiss)) return std::nullopt;
  return view_now(account, view);
}

std::optional<Result<std::vector<std::optional<TitleState>>>> SimStore::try_titles(
    const ProfileRef& profile, const std::vector<std::string>& titles) {
  if (!alive_ || rows_.shared() || faults_.strikes(Fault::kStoreMiss)) return std::nullopt;
  return titles_now(profile, titles);
}

}  // namespace playhead::sim
