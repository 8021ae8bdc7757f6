// Views, viewers, titles: each use case on its owner's thread.
#include "service/service.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service/on_owner.h"

namespace playhead {
namespace {

ProgressItem progress_item(std::string title, const TitleState& state, const Rules& rules) {
  ProgressItem item{.title = std::move(title), .series = state.series};
  item.playhead = resume_position(state, rules);
  if (state.duration > 0) item.duration = state.duration;
  item.finished = is_finished(state, rules);
  item.watched = state.watched.value;
  item.hidden = state.hidden.value;
  if (state.watched.value) item.watched_at = state.watched.at;
  if (state.position.known()) {
    item.view = state.position.view;
    item.device = state.position.device;
    item.at = state.position.moved;
  } else if (state.watched.at != kNever) {
    item.at = state.watched.at;
  } else if (state.hidden.at != kNever) {
    item.at = state.hidden.at;
  }
  return item;
}

// A stream's end of a channel. `gone` is called when it goes.
class ChannelSubscription final : public Subscription {
 public:
  ChannelSubscription(std::shared_ptr<Channel> channel, const Clock& clock,
                      std::move_only_function<void()> gone)
      : channel_(std::move(channel)), clock_(clock), gone_(std::move(gone)) {}
  ~ChannelSubscription() override {
    channel_->close();
    gone_();
  }

  void wake() override { channel_->wake(); }

  Task<Result<ViewersEvent>> next(Deadline until) override {
    auto event = channel_->pop();
    if (!event && !channel_->dropped()) {
      const auto executor = co_await boost::asio::this_coro::executor;
      boost::asio::steady_timer timer(executor);
      timer.expires_after(
          std::chrono::milliseconds(std::max<Millis>(until.at_ms - clock_.monotonic_ms(), 0)));
      timer.async_wait([channel = channel_](const boost::system::error_code& error) {
        if (!error) channel->wake();
      });
      co_await channel_->wait();
      timer.cancel();
      event = channel_->pop();
    }
    if (event) co_return *event;
    if (channel_->dropped())
      co_return fail(Errc::kOverloaded, "the stream's reader was too slow; connect again");
    co_return fail(Errc::kNotFound, "nothing has happened");
  }

 private:
  std::shared_ptr<Channel> channel_;
  const Clock& clock_;
  std::move_only_function<void()> gone_;
};

}  // namespace

Shard& Service::shard_of(const AccountRef& ref) {
  return shards_.shard(shards_.owner_of(ref.tenant, ref.account));
}

Task<std::expected<PutOutcome, PutRefusal>> Service::put_view(std::string tenant,
                                                              const Report& report,
                                                              std::optional<unsigned> limit,
                                                              std::string terminate) {
  const std::size_t owner = shards_.owner_of(tenant, report.account);
  std::string bytes;
  encode(bytes, report);
  return put_on_owner(
      owner,
      shards_.shard(owner).put(std::move(tenant), std::move(bytes), limit, std::move(terminate)),
      limit);
}

Task<std::expected<PutOutcome, PutRefusal>> Service::put_on_owner(std::size_t owner,
                                                                  Task<PutAnswer> put,
                                                                  std::optional<unsigned> limit) {
  PutAnswer answer = co_await on_owner(owner, std::move(put));
  if (answer.error)
    co_return std::unexpected(PutRefusal{.error = *answer.error,
                                         .in_the_way = std::move(answer.in_the_way),
                                         .ended_by = std::move(answer.ended_by)});
  co_return PutOutcome{.created = answer.result == PutResult::kStarted,
                       .item = std::move(answer.item),
                       .checked = answer.checked,
                       .unstored = answer.unstored,
                       .limit = limit,
                       .next_report_ms = answer.next_report_ms};
}

Task<Result<Answer<ViewItem>>> Service::view(AccountRef account, std::string view) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  co_return co_await on_owner(owner, read_view(std::move(account), std::move(view)));
}

Task<Result<Answer<ViewItem>>> Service::read_view(AccountRef account, std::string view) {
  const Instant began = clock_.now();
  Shard& shard = shard_of(account);
  if (auto loaded = co_await load(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  const HowFresh before = shard.how_fresh(account);
  auto found = co_await find_view(shard, account, std::move(view));
  if (!found) co_return std::unexpected(found.error());
  const HowFresh how = worse(before, shard.how_fresh(account));
  // One that was deleted from the history is nothing but a viewer, as long as it plays.
  if (!*found || ((*found)->view.deleted && !(*found)->active))
    co_return not_there(how, "no such view");
  co_return answer_of(began, how, view_item(**found));
}

// In memory, else in the store; and in the inbox as long as nobody has looked there: so it is where
// the slot is foreign, and for who has just got it.
Task<Result<std::optional<StoredView>>> Service::find_view(Shard& shard, AccountRef account,
                                                           std::string view) {
  std::optional<StoredView> found;
  const bool foreign = shard.is_foreign(account);
  const bool looked = shard.how_fresh(account).freshness == Freshness::kFresh;
  if (!foreign) found = shard.find(account, view);
  shard.forget_idle(account);
  if (!found) {
    const Hidden hidden = foreign ? Hidden() : shard.hidden(account);
    if (auto read = co_await (looked ? store_.view(account, view) : view_elsewhere(account, view)))
      found = *std::move(read);
    else
      co_return std::unexpected(std::move(read.error()));
    if (found && hidden.covers(found->ids.get().profile)) found.reset();
  }
  if (found && store_.is_over(*found)) found.reset();
  co_return found;
}

Task<Result<void>> Service::terminate(AccountRef account, std::string view, std::string by_device) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  Shard& shard = shards_.shard(owner);
  co_return co_await on_owner(
      owner, shard.terminate(std::move(account), std::move(view), std::move(by_device)));
}

Task<Result<Answer<std::vector<ViewerItem>>>> Service::viewers(AccountRef account) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  co_return co_await on_owner(owner, read_viewers(std::move(account)));
}

Task<Result<Answer<std::vector<ViewerItem>>>> Service::read_viewers(AccountRef account) {
  const Instant began = clock_.now();
  Shard& shard = shard_of(account);
  if (auto loaded = co_await load(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  if (shard.is_foreign(account)) {
    auto viewers = co_await viewers_elsewhere(account);
    if (!viewers) co_return std::unexpected(viewers.error());
    co_return answer_of(began, shard.how_fresh(account), *std::move(viewers));
  }
  auto answer = answer_of(began, shard.how_fresh(account), shard.viewers(account));
  shard.forget_idle(account);
  co_return answer;
}

// Brings the account into memory, where it is this node's.
Task<Result<void>> Service::load(Shard& shard, AccountRef account) {
  if (shard.is_foreign(account)) co_return Result<void>{};
  auto loaded = co_await shard.load(account);
  // The slot has left meanwhile.
  if (shard.is_foreign(account)) co_return Result<void>{};
  co_return loaded;
}

// In a cluster active views stand further than the store's titles say, and those that are active by
// a former owner's word tell how fresh an answer is.
Task<Result<void>> Service::load_in_cluster(Shard& shard, AccountRef account) {
  if (!shard.in_cluster()) co_return Result<void>{};
  co_return co_await load(shard, std::move(account));
}

Task<Result<std::unique_ptr<Subscription>>> Service::subscribe(AccountRef account) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  const auto executor = co_await boost::asio::this_coro::executor;
  auto channel = std::make_shared<Channel>(executor, options_.stream_queue_max);
  // Streams that are still open when the server goes are destroyed after it.
  auto subscription = std::make_unique<ChannelSubscription>(
      channel, clock_, [this, alive = std::weak_ptr<char>(alive_), owner, account] {
        if (alive.expired()) return;
        shards_.threads().post(owner,
                               [this, account] { shard_of(account).forget_closed(account); });
      });
  auto opened = co_await on_owner(owner, open_stream(std::move(account), channel));
  if (!opened) co_return std::unexpected(opened.error());
  co_return subscription;
}

Task<Result<void>> Service::open_stream(AccountRef account, std::shared_ptr<Channel> channel) {
  Shard& shard = shard_of(account);
  if (auto loaded = co_await shard.load(account); !loaded)
    co_return std::unexpected(loaded.error());
  co_return shard.subscribe(account, channel);
}

Task<Result<Answer<std::vector<std::string>>>> Service::profiles(AccountRef account) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  co_return co_await on_owner(owner, read_profiles(std::move(account)));
}

Task<Result<Answer<std::vector<std::string>>>> Service::read_profiles(AccountRef account) {
  const Instant began = clock_.now();
  Shard& shard = shard_of(account);
  const HowFresh before = shard.how_fresh(account);
  std::vector<std::string> names = shard.profiles_in_memory(account);
  const auto hidden = shard.hidden(account);
  auto stored = co_await store_.profiles(account, options_.profiles_max);
  if (!stored) co_return std::unexpected(stored.error());
  std::erase_if(*stored, [&](const std::string& profile) { return hidden.covers(profile); });
  std::ranges::move(*stored, std::back_inserter(names));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  co_return answer_of(began, worse(before, shard.how_fresh(account)), std::move(names));
}

// Memory first, then the store: what a sweep hands over in between is seen twice, never not at all.
Task<Result<Service::Titles>> Service::read_titles(ProfileRef profile,
                                                   std::vector<std::string> titles) {
  const AccountRef account{profile.tenant, profile.account};
  Shard& shard = shard_of(account);
  Titles out{.began = clock_.now(), .how = {}};
  if (auto loaded = co_await load_in_cluster(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  out.how = shard.how_fresh(account);
  out.states = shard.titles_in_memory(profile, &titles);
  if (auto laid = co_await lay_active_views(shard, profile, &titles, out.states); !laid)
    co_return std::unexpected(laid.error());
  if (!shard.hidden(account).covers(profile.profile)) {
    auto rows = store_.try_titles(profile, titles);
    if (!rows) rows = co_await store_.titles(profile, titles);
    if (!*rows) co_return std::unexpected(rows->error());
    for (std::size_t i = 0; i < titles.size(); ++i)
      if ((**rows)[i]) out.states[titles[i]].merge(*(**rows)[i]);
  }
  out.how = worse(out.how, shard.how_fresh(account));
  shard.forget_idle(account);
  co_return out;
}

Task<Result<Service::Titles>> Service::read_all_titles(ProfileRef profile) {
  const AccountRef account{profile.tenant, profile.account};
  Shard& shard = shard_of(account);
  Titles out{.began = clock_.now(), .how = {}};
  if (auto loaded = co_await load_in_cluster(shard, account); !loaded)
    co_return std::unexpected(loaded.error());
  out.how = shard.how_fresh(account);
  out.states = shard.titles_in_memory(profile, nullptr);
  if (auto laid = co_await lay_active_views(shard, profile, nullptr, out.states); !laid)
    co_return std::unexpected(laid.error());
  if (!shard.hidden(account).covers(profile.profile)) {
    auto rows = co_await store_.all_titles(profile, options_.continue_titles_max);
    if (!rows) co_return std::unexpected(rows.error());
    for (const NamedTitle& row : *rows) out.states[row.title].merge(row.state);
  }
  out.how = worse(out.how, shard.how_fresh(account));
  shard.forget_idle(account);
  co_return out;
}

Task<Result<Answer<std::vector<ProgressItem>>>> Service::progress(ProfileRef profile,
                                                                  std::vector<std::string> titles) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  auto read = co_await on_owner(owner, read_titles(std::move(profile), titles));
  if (!read) co_return std::unexpected(read.error());
  auto answer = answer_of(read->began, read->how, std::vector<ProgressItem>());
  for (const std::string& title : titles)
    if (const auto state = read->states.find(title);
        state != read->states.end() && state->second.has_progress())
      answer.value.push_back(progress_item(title, state->second, options_.rules));
  co_return answer;
}

Task<Result<Answer<Service::ProgressPage>>> Service::progress_page(ProfileRef profile,
                                                                   std::string series,
                                                                   std::string after,
                                                                   std::size_t limit) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  auto read = co_await on_owner(owner, read_all_titles(std::move(profile)));
  if (!read) co_return std::unexpected(read.error());
  auto answer = answer_of(read->began, read->how, ProgressPage());
  for (auto next = read->states.upper_bound(after); next != read->states.end(); ++next) {
    const auto& [title, state] = *next;
    if (!state.has_progress() || (!series.empty() && state.series != series)) continue;
    if (answer.value.items.size() == limit) {
      answer.value.more = true;
      break;
    }
    answer.value.items.push_back(progress_item(title, state, options_.rules));
  }
  co_return answer;
}

Task<Result<bool>> Service::act(ProfileRef profile, std::span<const TitleAct> acts) {
  const Instant arrival = clock_.now();
  std::vector<NamedTitle> deltas;
  for (TitleAct act : acts) {
    act.at = std::min(act.at, arrival);
    deltas.push_back({.title = std::string(act.title), .state = contribution(act)});
  }
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  Shard& shard = shards_.shard(owner);
  return on_owner(owner, shard.merge_titles(std::move(profile), std::move(deltas)));
}

Task<Result<Answer<std::vector<ContinueItem>>>> Service::continue_watching(ProfileRef profile) {
  const std::size_t owner = shards_.owner_of(profile.tenant, profile.account);
  auto read = co_await on_owner(owner, read_all_titles(std::move(profile)));
  if (!read) co_return std::unexpected(read.error());
  auto answer = answer_of(read->began, read->how, std::vector<ContinueItem>());
  std::vector<NamedTitle> titles;
  for (auto& [title, state] : read->states)
    titles.push_back({.title = title, .state = std::move(state)});
  for (ContinueRow& row : playhead::continue_watching(std::move(titles), options_.rules)) {
    ContinueItem item{.progress = progress_item(row.title, row.state, options_.rules),
                      .reason = row.reason};
    item.progress.series = row.series;
    item.progress.at = row.at;
    answer.value.push_back(std::move(item));
  }
  co_return answer;
}

Task<std::vector<ShardFigures>> Service::figures() {
  std::vector<ShardFigures> all;
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    const auto read = [](Shard& shard) -> Task<ShardFigures> { co_return shard.figures(); };
    all.push_back(co_await on_owner(i, read(shards_.shard(i))));
  }
  co_return all;
}

Task<std::vector<SlotFigures>> Service::slots() {
  std::vector<SlotFigures> all;
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    const auto read = [](Shard& shard) -> Task<std::vector<SlotFigures>> {
      std::vector<SlotFigures> out;
      shard.slot_figures(out);
      co_return out;
    };
    auto part = co_await on_owner(i, read(shards_.shard(i)));
    std::ranges::move(part, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &SlotFigures::slot);
  co_return all;
}

}  // namespace playhead
