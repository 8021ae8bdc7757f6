// Pages of all that is held on an account: the store's rows with memory laid over them. Memory is
// looked at first: what a sweep hands over in between is seen twice, never not at all.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "service/transfer.h"

namespace playhead {

Task<Result<Answer<ExportPage>>> Transfer::page(AccountRef account, ExportPlace from,
                                                std::size_t limit) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  Answer<ExportPage> answer{.value = {}, .as_of = clock_.now()};
  auto read = from.titles ? titles_page(std::move(account), std::move(from.title), limit)
                          : views_page(std::move(account), std::move(from.view), limit);
  auto page = co_await boost::asio::co_spawn(shards_.threads().executor(owner), std::move(read),
                                             boost::asio::use_awaitable);
  if (!page) co_return std::unexpected(page.error());
  exported_ += page->views.size() + page->titles.size();
  answer.value = *std::move(page);
  co_return answer;
}

Task<Result<ExportPage>> Transfer::views_page(AccountRef account, std::string after,
                                              std::size_t limit) {
  Shard& shard = shards_.shard(shards_.owner_of(account.tenant, account.account));
  if (auto loaded = co_await shard.load(account); !loaded)
    co_return std::unexpected(loaded.error());
  std::map<std::string, StoredView> rows;
  for (StoredView& view : shard.views_in_memory(account)) {
    std::string id(view.ids.get().view);
    if (id > after) rows.emplace(std::move(id), std::move(view));
  }
  const Hidden hidden = shard.hidden(account);
  shard.forget_idle(account);
  auto stored = co_await archive_.account_views(account, after, limit + 1);
  if (!stored) co_return std::unexpected(stored.error());
  // Behind the store's last row there may be more of its rows: memory's wait for their page.
  const bool more = stored->size() > limit;
  const std::string last(more ? stored->back().ids.get().view : std::string_view());
  if (more) rows.erase(rows.upper_bound(last), rows.end());
  for (StoredView& view : *stored) {
    if (hidden.covers(view.ids.get().profile)) continue;
    std::string id(view.ids.get().view);
    rows.try_emplace(std::move(id), std::move(view));
  }
  ExportPage page;
  page.next = ExportPlace{.titles = true};
  if (more) page.next = ExportPlace{.view = last};
  for (auto& [id, view] : rows) {
    if (page.views.size() == limit) {
      page.next = ExportPlace{.view = std::string(page.views.back().ids.get().view)};
      break;
    }
    page.views.push_back(std::move(view));
  }
  co_return page;
}

Task<Result<ExportPage>> Transfer::titles_page(AccountRef account, std::optional<TitlePlace> after,
                                               std::size_t limit) {
  Shard& shard = shards_.shard(shards_.owner_of(account.tenant, account.account));
  if (auto loaded = co_await shard.load(account); !loaded)
    co_return std::unexpected(loaded.error());
  std::map<TitlePlace, TitleState> rows;
  for (const std::string& profile : shard.profiles_in_memory(account))
    for (auto& [title, state] :
         shard.titles_in_memory({account.tenant, account.account, profile}, nullptr)) {
      TitlePlace place{profile, title};
      // What has not qualified says nothing of its title.
      if (state != TitleState{} && (!after || *after < place))
        rows.emplace(std::move(place), std::move(state));
    }
  const Hidden hidden = shard.hidden(account);
  shard.forget_idle(account);
  auto stored = co_await archive_.account_titles(account, after, limit + 1);
  if (!stored) co_return std::unexpected(stored.error());
  ExportPage page;
  if (stored->size() > limit) {
    TitlePlace last{stored->back().profile, stored->back().title};
    rows.erase(rows.upper_bound(last), rows.end());
    page.next = ExportPlace{.titles = true, .title = std::move(last)};
  }
  for (const TitleRow& row : *stored)
    if (!hidden.covers(row.profile)) rows[{row.profile, row.title}].merge(row.state);
  for (auto& [place, state] : rows) {
    if (page.titles.size() == limit) {
      const TitleRow& last = page.titles.back();
      page.next = ExportPlace{.titles = true, .title = TitlePlace{last.profile, last.title}};
      break;
    }
    page.titles.push_back({.profile = place.profile, .title = place.title, .state = state});
  }
  co_return page;
}

}  // namespace playhead
