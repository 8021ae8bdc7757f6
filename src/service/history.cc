// History: the store's rows with memory laid over them, page by page.
#include <algorithm>
#include <map>

#include "service/on_owner.h"

namespace playhead {
namespace {

// Newest first; among equals by view.
struct Place {
  Instant keyed_start;
  std::string view;

  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(b.keyed_start, a.view) < std::tie(a.keyed_start, b.view);
  }
};

using Rows = std::map<Place, StoredView>;

// The owner's word counts. What anybody else read as active may have ended, and been stored whole,
// by the time its row was read.
void lay_over(Rows& rows, const Place& place, StoredView&& view, bool by_owner) {
  const auto [row, added] = rows.try_emplace(place, std::move(view));
  if (!added && (by_owner || view.view.cursor >= row->second.view.cursor))
    row->second = std::move(view);
}

HistoryItem history_item_of(const StoredView& stored) {
  const ViewItem item = view_item(stored);
  return {.id = item.item.view,
          .view = item.item.view,
          .title = item.item.title,
          .series = item.item.series,
          .device = item.item.device,
          .device_type = item.item.device_type,
          .kind = item.item.kind,
          .started_at = item.item.started_at,
          .ended_at = item.ended_at,
          .end_reason = item.end_reason,
          .at = item.item.at,
          .playhead = item.item.playhead,
          .duration = item.item.duration,
          .watched_ms = stored.view.played_ms(),
          .finished = stored.view.finished(),
          .origin = stored.import ? stored.import->origin : std::string(kOwnOrigin)};
}

bool belongs(const StoredView& stored) { return stored.view.record && !stored.view.deleted; }

bool matches(const StoredView& stored, const HistoryFilter& filter) {
  const Ids ids = stored.ids.get();
  if (!belongs(stored) || (!filter.all && !stored.view.qualified())) return false;
  if (!filter.title.empty() && ids.title != filter.title) return false;
  if (!filter.series.empty() && ids.series != filter.series) return false;
  if (filter.from && stored.view.start < *filter.from) return false;
  return !filter.to || stored.view.start < *filter.to;
}

}  // namespace

ViewItem view_item(const StoredView& stored) {
  const Ids ids = stored.ids.get();
  const View& view = stored.view;
  ViewItem out;
  out.item = {.view = std::string(ids.view),
              .profile = std::string(ids.profile),
              .title = std::string(ids.title),
              .series = std::string(ids.series),
              .device = std::string(ids.device),
              .device_type = std::string(ids.device_type),
              .kind = view.kind,
              .state = view.state,
              .started_at = view.start,
              .at = view.cursor.at};
  if (view.shown() != kNoPlayhead) out.item.playhead = view.shown();
  if (view.duration > 0) out.item.duration = view.duration;
  out.active = stored.active && !stored.expired;
  out.ended_by = ids.ended_by;
  if (out.active) return out;
  // Neither active nor ended by a report: it fell silent.
  out.end_reason = view.ended() ? view.reason() : EndReason::kExpired;
  out.ended_at = view.terminated() ? view.terminated_at
                 : view.ended()    ? view.ended_order.at
                                   : view.cursor.at;
  return out;
}

Task<Result<Answer<HistoryPage>>> Service::history(ProfileRef profile, HistoryFilter filter,
                                                   std::optional<HistoryNext> after,
                                                   std::size_t limit) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  co_return co_await on_owner(
      owner, read_history(std::move(profile), std::move(filter), std::move(after), limit));
}

// Reads the store in chunks behind `after`, lays memory over each, and keeps what matches until the
// page is full or enough rows have been looked at.
Task<Result<HistoryPage>> Service::read_history_page(ProfileRef profile, HistoryFilter filter,
                                                     std::optional<HistoryNext> after,
                                                     std::size_t limit) {
  const AccountRef account{profile.tenant, profile.account};
  Shard& shard = shard_of(account);
  if (auto loaded = co_await load(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  HistoryPage page;
  Rows memory;
  Result<std::vector<StoredView>> laid_over;
  const bool owner = !shard.is_foreign(account);
  if (owner)
    laid_over = shard.history_in_memory(profile);
  else
    laid_over = co_await views_to_lay_over(profile);
  if (!laid_over) co_return std::unexpected(laid_over.error());
  for (StoredView& view : *laid_over) {
    if (!view.view.record) continue;
    Place place{view.keyed_start, std::string(view.ids.get().view)};
    memory.insert_or_assign(std::move(place), std::move(view));
  }
  const bool hidden = shard.hidden(account).covers(profile.profile);
  shard.forget_idle(account);

  std::optional<HistoryKey> from;
  if (after) from = HistoryKey{.keyed_start = after->keyed_start, .view = after->view};
  for (std::size_t scanned = 0;;) {
    auto rows = hidden ? HistoryRows{} : co_await store_.history(profile, from, limit + 1);
    if (!rows) co_return std::unexpected(rows.error());
    scanned += rows->views.size();
    if (rows->as_of) page.copied_at = rows->as_of;
    Rows chunk;
    std::optional<Place> last;
    for (StoredView& row : rows->views) {
      Place place{row.keyed_start, std::string(row.ids.get().view)};
      last = place;
      chunk.try_emplace(std::move(place), std::move(row));
    }
    const auto first = from ? memory.upper_bound({from->keyed_start, from->view}) : memory.begin();
    const auto end = rows->more && last ? memory.upper_bound(*last) : memory.end();
    for (auto row = first; row != end; ++row)
      lay_over(chunk, row->first, std::move(row->second), owner);
    for (auto& [place, row] : chunk) {
      if (page.items.size() == limit) {
        page.next = HistoryNext{.keyed_start = from->keyed_start, .view = from->view};
        co_return page;
      }
      if (matches(row, filter)) page.items.push_back(history_item_of(row));
      from = HistoryKey{.keyed_start = place.keyed_start, .view = place.view};
    }
    if (!rows->more) co_return page;
    if (scanned >= options_.history_scan_max) {
      page.next = HistoryNext{.keyed_start = from->keyed_start, .view = from->view};
      co_return page;
    }
  }
}

Task<Result<Answer<HistoryPage>>> Service::read_history(ProfileRef profile, HistoryFilter filter,
                                                        std::optional<HistoryNext> after,
                                                        std::size_t limit) {
  const Instant began = clock_.now();
  const AccountRef account{profile.tenant, profile.account};
  const HowFresh before = shard_of(account).how_fresh(account);
  auto page =
      co_await read_history_page(std::move(profile), std::move(filter), std::move(after), limit);
  if (!page) co_return std::unexpected(page.error());
  HowFresh how = worse(before, shard_of(account).how_fresh(account));
  // A copy, though the slot may have become this node's since. The store had what was a checkpoint
  // old then.
  if (page->copied_at)
    how = worse(how, {.freshness = Freshness::kStale,
                      .as_of = *page->copied_at - options_.checkpoint_interval_ms});
  co_return answer_of(began, how, *std::move(page));
}

Task<Result<Answer<HistoryItem>>> Service::history_item(ProfileRef profile, std::string id) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  co_return co_await on_owner(owner, read_history_item(std::move(profile), std::move(id)));
}

Task<Result<Answer<HistoryItem>>> Service::read_history_item(ProfileRef profile, std::string id) {
  const Instant began = clock_.now();
  const AccountRef account{profile.tenant, profile.account};
  Shard& shard = shard_of(account);
  if (auto loaded = co_await load(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  const HowFresh before = shard.how_fresh(account);
  auto read = co_await find_view(shard, account, std::move(id));
  if (!read) co_return std::unexpected(read.error());
  const HowFresh how = worse(before, shard.how_fresh(account));
  const std::optional<StoredView>& found = *read;
  if (!found || !belongs(*found) || found->ids.get().profile != profile.profile)
    co_return not_there(how, "no such entry in this history");
  co_return answer_of(began, how, history_item_of(*found));
}

Task<Result<void>> Service::delete_history_item(ProfileRef profile, std::string id) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  Shard& shard = shards_.shard(owner);
  auto erased = co_await on_owner(owner, shard.erase_views(std::move(profile), {std::move(id)}));
  if (!erased) co_return std::unexpected(erased.error());
  if (*erased == 0) co_return fail(Errc::kNotFound, "no such entry in this history");
  co_return Result<void>{};
}

Task<Result<void>> Service::delete_history(ProfileRef profile, HistoryFilter filter) {
  constexpr std::size_t kPage = 100;
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  filter.all = true;
  std::optional<HistoryNext> after;
  do {
    auto page = co_await on_owner(owner, read_history(profile, filter, after, kPage));
    if (!page) co_return std::unexpected(page.error());
    std::vector<std::string> views;
    for (const HistoryItem& item : page->value.items) views.push_back(item.view);
    auto erased =
        co_await on_owner(owner, shards_.shard(owner).erase_views(profile, std::move(views)));
    if (!erased) co_return std::unexpected(erased.error());
    after = page->value.next;
  } while (after);
  co_return Result<void>{};
}

}  // namespace playhead
