// Reads of accounts whose owner can't be asked: the store with the inbox laid over, and what this
// node itself has taken for them. What they say is stale.
#include <algorithm>

#include "record/inbox.h"
#include "record/merge.h"
#include "service/on_owner.h"

namespace playhead {
namespace {

constexpr std::size_t kPageRows = 64;
constexpr std::size_t kRowsMax = 1'024;  // of one slot; who has more of it has no owner for long

bool is_erased(const StoredView& part, const Erasures& erasures) {
  const Ids ids = part.ids.get();
  return !erasures.empty() &&
         part.view.start <= erasures.through(ids.tenant, ids.account, ids.profile);
}

bool is_of(const StoredView& view, const AccountRef& account, std::string_view only) {
  const Ids ids = view.ids.get();
  return ids.tenant == account.tenant && ids.account == account.account &&
         (only.empty() || ids.view == only);
}

}  // namespace

// What is known of the account, or of one view of it, beside the store. Memory first, then the
// inbox, and the store after both: that is the way that all of it goes.
Task<Result<std::vector<StoredView>>> Service::parts_of(AccountRef account, std::string only) {
  std::vector<StoredView> parts = shard_of(account).views_in_memory(account);
  std::erase_if(parts, [&](const StoredView& view) { return !is_of(view, account, only); });
  if (others_.inbox == nullptr) co_return parts;
  const std::uint16_t slot = slot_of(account.tenant, account.account);
  std::optional<InboxKey> after;
  if (slot > 0)
    after = InboxKey{.slot = static_cast<std::uint16_t>(slot - 1),
                     .id = std::string(kInboxIdBytes, static_cast<char>(0xff))};
  for (std::size_t read = 0; read < kRowsMax; read += kPageRows) {
    const auto rows = co_await others_.inbox->read(inbox_bucket(slot), after, kPageRows);
    if (!rows) co_return std::unexpected(rows.error());
    for (const InboxRow& row : *rows) {
      if (row.key.slot != slot) co_return parts;
      auto part = decode_inbox(row.record);
      // What can't be read is for its owner to complain of.
      if (part && is_of(*part, account, only)) parts.push_back(*std::move(part));
    }
    if (rows->size() < kPageRows) break;
    after = rows->back().key;
  }
  co_return parts;
}

// The account's active views, and those that others tell more of than the store; or one view, if
// anybody knows of it.
Task<Result<std::vector<StoredView>>> Service::views_elsewhere(AccountRef account,
                                                               std::string only) {
  auto parts = co_await parts_of(account, only);
  if (!parts) co_return parts;
  Result<std::vector<StoredView>> views;
  if (only.empty()) views = co_await store_.active_views(account);
  if (!views) co_return views;
  const auto find = [&](std::string_view name) {
    return std::ranges::find_if(
        *views, [&](const StoredView& view) { return view.ids.get().view == name; });
  };
  std::vector<std::string> names;  // of which the store is still to be asked
  if (!only.empty()) names.push_back(only);
  for (const StoredView& part : *parts) {
    const std::string name(part.ids.get().view);
    if (find(name) == views->end() && std::ranges::find(names, name) == names.end())
      names.push_back(name);
  }
  for (const std::string& name : names) {
    auto stored = co_await store_.view(account, name);
    if (!stored) co_return std::unexpected(stored.error());
    if (*stored) views->push_back(**std::move(stored));
  }
  if (parts->empty()) co_return views;
  const auto erasures = co_await store_.erasures(account);
  if (!erasures) co_return std::unexpected(erasures.error());
  for (StoredView& part : *parts) {
    if (is_erased(part, *erasures)) continue;
    const auto known = find(part.ids.get().view);
    if (known == views->end())
      views->push_back(std::move(part));
    else if (is_same_view(*known, part))
      merge(*known, part, Place::kFixed, options_.rules);
  }
  co_return views;
}

Task<Result<std::optional<StoredView>>> Service::view_elsewhere(AccountRef account,
                                                                std::string view) {
  auto views = co_await views_elsewhere(std::move(account), std::move(view));
  if (!views) co_return std::unexpected(std::move(views.error()));
  if (views->empty()) co_return std::nullopt;
  co_return std::move(views->front());
}

// Who watches, by a word that may be as old as a checkpoint.
Task<Result<std::vector<ViewerItem>>> Service::viewers_elsewhere(AccountRef account) {
  auto views = co_await views_elsewhere(std::move(account), {});
  if (!views) co_return std::unexpected(views.error());
  std::vector<ViewerItem> items;
  const Instant now = clock_.now();
  for (const StoredView& stored : *views) {
    if (!stored.active || stored.expired) continue;
    Millis silence = stored.cmcd ? options_.cmcd_expiry_ms : Millis{3} * stored.interval_ms;
    if (stored.view.state == State::kPaused) silence = std::max(silence, options_.paused_expiry_ms);
    if (now - stored.last_arrival <= silence + options_.checkpoint_interval_ms)
      items.push_back(view_item(stored).item);
  }
  std::ranges::sort(items, [](const ViewerItem& a, const ViewerItem& b) {
    return std::tie(a.started_at, a.view) < std::tie(b.started_at, b.view);
  });
  co_return items;
}

// The store's rows of titles and history may lack where active views stand (ViewChange). Their
// owner has them in memory; others read them first, so that none ends unseen in between.
Task<Result<std::vector<StoredView>>> Service::views_to_lay_over(ProfileRef profile) {
  auto views = co_await views_elsewhere({profile.tenant, profile.account}, {});
  if (views)
    std::erase_if(*views, [&](const StoredView& view) {
      return view.ids.get().profile != profile.profile || store_.is_over(view);
    });
  co_return views;
}

Task<Result<void>> Service::lay_active_views(Shard& shard, ProfileRef profile,
                                             const std::vector<std::string>* only,
                                             std::map<std::string, TitleState>& states) {
  if (!shard.is_foreign({profile.tenant, profile.account})) co_return Result<void>{};
  const auto views = co_await views_to_lay_over(profile);
  if (!views) co_return std::unexpected(views.error());
  for (const StoredView& view : *views) {
    const Ids ids = view.ids.get();
    const std::string title(ids.title);
    if (only == nullptr || std::ranges::find(*only, title) != only->end())
      states[title].merge(contribution_of(view.view, ids));
  }
  co_return Result<void>{};
}

}  // namespace playhead
