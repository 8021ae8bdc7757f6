// Questions to the tables, and rows as what they mean.
#include "store/cassandra/cassandra_store.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <span>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "record/stored.h"
#include "store/cassandra/erasing.h"
#include "store/cassandra/gathered.h"
#include "store/cassandra/statements.h"
#include "store/cassandra/turns.h"
#include "store/cassandra/writes.h"

namespace playhead {
namespace {

// Of one question by names.
constexpr std::size_t kNamesMax = 100;
// Of write(); more: overloaded.
constexpr std::size_t kWaitingWritesMax = 1'024;
// Of write(), on their way at once.
constexpr std::size_t kSetsMax = 16;

// A row of `titles`: the title, then its registers in their order.
Result<NamedTitle> title_of(const CqlRows& rows, std::size_t row) {
  NamedTitle out;
  const auto title = rows.text(row, 0);
  if (!title) return fail(Errc::kCorrupt, "a row of progress has no title");
  out.title = *title;
  for (const Register which : kRegisters) {
    const auto bytes = rows.blob(row, 1 + static_cast<std::size_t>(which));
    if (!bytes) continue;
    if (auto merged = merge_register(which, *bytes, out.state); !merged)
      return std::unexpected(std::move(merged.error()));
  }
  return out;
}

class Stored final : public CassandraStore {
 public:
  Stored(const CassandraStoreOptions& options, const Clock& clock,
         std::unique_ptr<CqlSession> session, Statements statements)
      : options_(options),
        clock_(clock),
        write_clock_(clock),
        statements_(std::move(statements)),
        session_(std::move(session)),
        eraser_(*session_, statements_, write_clock_, options.batches_in_flight),
        erasures_({},
                  [this](std::vector<AccountRef> accounts) {
                    return eraser_.known_of(std::move(accounts));
                  }),
        active_({}, [this](std::vector<AccountRef> accounts) {
          return names_of_active(std::move(accounts));
        }) {}

  void close() override { session_->close(); }
  std::uint64_t rows_written() const override { return rows_written_; }
  Task<Result<void>> write(std::vector<Change> changes) override;
  Task<Result<void>> settle() override;
  // Cassandra forgets what was deleted by its own compactions, gc_grace_seconds later.
  Task<Result<std::size_t>> purge() override { co_return 0; }
  Task<Result<std::vector<StoredView>>> active_views(AccountRef account) override;
  Task<Result<std::optional<StoredView>>> view(AccountRef account, std::string view) override;
  Task<Result<std::vector<std::optional<TitleState>>>> titles(
      ProfileRef profile, std::vector<std::string> titles) override;
  Task<Result<std::vector<NamedTitle>>> all_titles(ProfileRef profile,
                                                   std::size_t rows_max) override;
  Task<Result<HistoryRows>> history(ProfileRef profile, std::optional<HistoryKey> after,
                                    std::size_t rows_max) override;
  Task<Result<std::vector<std::string>>> profiles(AccountRef account,
                                                  std::size_t rows_max) override;

  Task<Result<Erasures>> erasures(AccountRef account) override;

  // Nothing of Cassandra is in this process' memory.
  std::optional<Result<std::vector<StoredView>>> try_active_views(const AccountRef&) override {
    return std::nullopt;
  }
  std::optional<Result<Erasures>> try_erasures(const AccountRef&) override { return std::nullopt; }
  std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef&,
                                                            std::string_view) override {
    return std::nullopt;
  }
  std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef&, const std::vector<std::string>&) override {
    return std::nullopt;
  }

 private:
  Task<Result<void>> write_alone(std::span<const Change> changes);
  Task<Result<void>> write_some(std::span<const Change> changes, Turns::Turn stamping);
  Task<Result<std::vector<std::vector<std::string>>>> names_of_active(
      std::vector<AccountRef> accounts);
  Task<Result<void>> add_views(CqlBound bound, std::vector<StoredView>& out);
  Task<Result<void>> add_titles(CqlBound bound, std::vector<NamedTitle>& out);
  Task<Result<void>> add_history_year(ProfileRef profile, std::int32_t year,
                                      std::optional<HistoryKey> after, std::size_t rows_max,
                                      std::vector<StoredView>& out);

  const CassandraStoreOptions options_;
  const Clock& clock_;
  WriteClock write_clock_;
  std::atomic<std::uint64_t> rows_written_ = 0;
  const Statements statements_;
  // So late that no callback is outstanding when the rest goes.
  const std::unique_ptr<CqlSession> session_;
  Eraser eraser_;
  // Whoever takes slots over reads thousands of accounts at once.
  Gathered<AccountRef, KnownErasures> erasures_;
  Gathered<AccountRef, std::vector<std::string>> active_;
  // Sets get their timestamps in the order of the calls. Then they go side by side: who replaces
  // whom is Cassandra's matter, by these.
  Turns stamping_{1, kWaitingWritesMax};
  Turns sending_{kSetsMax, 1};  // who stamps is the only one to wait here
};

CqlValues of(const AccountRef& account) {
  CqlValues values;
  values.text(account.tenant).text(account.account);
  return values;
}

CqlValues of(const ProfileRef& profile) {
  CqlValues values;
  values.text(profile.tenant).text(profile.account).text(profile.profile);
  return values;
}

// A LIMIT, which must be positive.
std::int32_t limit_of(std::size_t rows) {
  constexpr std::size_t kLimitMax = 1'000'000'000;
  return static_cast<std::int32_t>(std::clamp<std::size_t>(rows, 1, kLimitMax));
}

// Rows whose first column is a record, and whose second, if there is one, is when it was written.
Task<Result<void>> Stored::add_views(CqlBound bound, std::vector<StoredView>& out) {
  auto all = co_await session_->execute_all(std::move(bound));
  if (!all) co_return std::unexpected(std::move(all.error()));
  for (const CqlRows& rows : *all)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (const auto written_us = rows.bigint(i, 1)) write_clock_.observe(*written_us);
      auto view = decode_view(rows.blob(i, 0).value_or(std::string_view()));
      if (!view) co_return std::unexpected(std::move(view.error()));
      out.push_back(std::move(*view));
    }
  co_return Result<void>{};
}

Task<Result<void>> Stored::add_titles(CqlBound bound, std::vector<NamedTitle>& out) {
  auto all = co_await session_->execute_all(std::move(bound));
  if (!all) co_return std::unexpected(std::move(all.error()));
  for (const CqlRows& rows : *all)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto title = title_of(rows, i);
      if (!title) co_return std::unexpected(std::move(title.error()));
      out.push_back(std::move(*title));
    }
  co_return Result<void>{};
}

// An erasure reads what it deletes, and so it goes alone: after all that was written before it, and
// before all that is written later.
Task<Result<void>> Stored::write(std::vector<Change> changes) {
  if (changes.empty()) co_return Result<void>{};
  auto stamping = co_await stamping_.take();
  if (!stamping) co_return fail(Errc::kOverloaded, "too many writes wait for the store");
  const bool erases = std::ranges::any_of(
      changes, [](const Change& change) { return std::holds_alternative<EraseChange>(change); });
  const auto sending = co_await sending_.take(erases ? kSetsMax : 1);
  PLAYHEAD_ASSERT(static_cast<bool>(sending));
  if (erases) co_return co_await write_alone(changes);
  co_return co_await write_some(changes, std::move(stamping));
}

// Erasures cut the set into parts.
Task<Result<void>> Stored::write_alone(std::span<const Change> changes) {
  Result<void> written;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= changes.size() && written; ++i) {
    const auto* erasure = i < changes.size() ? std::get_if<EraseChange>(&changes[i]) : nullptr;
    if (i < changes.size() && erasure == nullptr) continue;
    if (i > begin) written = co_await write_some(changes.subspan(begin, i - begin), {});
    if (written && erasure != nullptr) written = co_await eraser_.erase(*erasure);
    begin = i + 1;
  }
  co_return written;
}

// `stamping` goes once all have their timestamps; empty: it is held by who calls.
Task<Result<void>> Stored::write_some(std::span<const Change> changes, Turns::Turn stamping) {
  std::map<std::pair<std::string, std::string>, KnownErasures> known;
  for (const Change& change : changes)
    if (const auto* title = std::get_if<TitleChange>(&change))
      known.try_emplace({title->profile.tenant, title->profile.account});
  std::vector<AccountRef> accounts;
  for (const auto& [account, unknown] : known) accounts.push_back({account.first, account.second});
  auto read = co_await eraser_.known_of(std::move(accounts));
  if (!read) co_return std::unexpected(std::move(read.error()));
  auto next = read->begin();
  for (auto& [account, erasures] : known) erasures = std::move(*next++);
  // What was queued for so long that its owner's lease is over would replace what the next one
  // wrote.
  const Millis now_ms = clock_.monotonic_ms();
  const bool too_late = std::ranges::any_of(changes, [now_ms](const Change& change) {
    const auto* view = std::get_if<ViewChange>(&change);
    return view != nullptr && view->until_ms <= now_ms;
  });
  if (too_late) co_return fail(Errc::kUnavailable, "the lease ended before the write was sent");
  const auto erased_through = [&](const ProfileRef& profile) {
    return known.at({profile.tenant, profile.account})
        .erasures.through(profile.tenant, profile.account, profile.profile);
  };
  const auto generation_of = [&](const ProfileRef& profile) {
    return known.at({profile.tenant, profile.account}).of(profile);
  };
  Writes writes = writes_of(changes, statements_, write_clock_, generation_of, erased_through);
  stamping = {};
  rows_written_ += writes.changed;
  Result<void> written =
      co_await session_->write_all(std::move(writes.places), options_.batches_in_flight);
  if (written)
    written = co_await session_->write_all(std::move(writes.rows), options_.batches_in_flight);
  co_return written;
}

// Cassandra answers a write when it lies in the commit logs of a quorum, in their pages that the
// kernel writes back; by default they are synced every 10 s. So a write survives any crash of this
// process at once, and a loss of power everywhere after the delay.
Task<Result<void>> Stored::settle() {
  // From its call on: what lies in the inbox by then has to be sure as well.
  const Millis until_ms = clock_.monotonic_ms() + options_.settle_delay_ms;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (;;) {
    const Millis left_ms = until_ms - clock_.monotonic_ms();
    if (left_ms <= 0) co_return Result<void>{};
    timer.expires_after(std::chrono::milliseconds(left_ms));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

// The accounts of a group are those of one tenant, most of the time.
Task<Result<std::vector<std::vector<std::string>>>> Stored::names_of_active(
    std::vector<AccountRef> accounts) {
  std::map<std::string, std::vector<std::string>> tenants;
  for (const AccountRef& one : accounts) tenants[one.tenant].push_back(one.account);
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> found;
  for (const auto& [tenant, names] : tenants) {
    CqlValues values;
    values.text(tenant);
    if (names.size() == 1)
      values.text(names.front());
    else
      values.texts(names);
    auto pages = co_await session_->execute_all(
        {names.size() == 1 ? statements_.active : statements_.active_of_some, std::move(values)});
    if (!pages) co_return std::unexpected(std::move(pages.error()));
    for (const CqlRows& rows : *pages)
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto account = rows.text(i, 0), view = rows.text(i, 1);
        if (account && view) found[{tenant, std::string(*account)}].emplace_back(*view);
      }
  }
  std::vector<std::vector<std::string>> out;
  for (const AccountRef& one : accounts) out.push_back(found[{one.tenant, one.account}]);
  co_return out;
}

Task<Result<std::vector<StoredView>>> Stored::active_views(AccountRef account) {
  auto found = co_await active_.ask(account);
  if (!found) co_return std::unexpected(std::move(found.error()));
  const std::vector<std::string>& names = *found;
  std::vector<StoredView> out;
  for (std::size_t at = 0; at < names.size(); at += kNamesMax) {
    const auto from = names.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kNamesMax, names.size() - at));
    const std::vector<std::string> some(from, from + count);
    if (auto read = co_await add_views({statements_.views, of(account).texts(some)}, out); !read)
      co_return std::unexpected(std::move(read.error()));
  }
  std::erase_if(out, [](const StoredView& view) { return !view.active; });
  co_return out;
}

Task<Result<std::optional<StoredView>>> Stored::view(AccountRef account, std::string view) {
  std::vector<StoredView> found;
  if (auto read = co_await add_views({statements_.view, of(account).text(view)}, found); !read)
    co_return std::unexpected(std::move(read.error()));
  if (found.empty()) co_return std::nullopt;
  co_return std::move(found.front());
}

Task<Result<std::vector<std::optional<TitleState>>>> Stored::titles(
    ProfileRef profile, std::vector<std::string> titles) {
  const auto known = co_await erasures_.ask({profile.tenant, profile.account});
  if (!known) co_return std::unexpected(known.error());
  const CqlValues generation = of(profile).bigint(known->of(profile));
  std::map<std::string, TitleState> found;
  for (std::size_t at = 0; at < titles.size(); at += kNamesMax) {
    const auto from = titles.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kNamesMax, titles.size() - at));
    const std::vector<std::string> some(from, from + count);
    std::vector<NamedTitle> named;
    CqlValues values = generation;
    values.texts(some);
    if (auto read = co_await add_titles({statements_.titles, std::move(values)}, named); !read)
      co_return std::unexpected(std::move(read.error()));
    for (NamedTitle& title : named) found[std::move(title.title)] = std::move(title.state);
  }
  std::vector<std::optional<TitleState>> out;
  out.reserve(titles.size());
  for (const std::string& title : titles) {
    const auto state = found.find(title);
    out.push_back(state == found.end() ? std::nullopt : std::optional(state->second));
  }
  co_return out;
}

Task<Result<std::vector<NamedTitle>>> Stored::all_titles(ProfileRef profile, std::size_t rows_max) {
  std::vector<NamedTitle> out;
  if (rows_max == 0) co_return out;
  const auto known = co_await erasures_.ask({profile.tenant, profile.account});
  if (!known) co_return std::unexpected(known.error());
  CqlBound bound{statements_.all_titles,
                 of(profile).bigint(known->of(profile)).integer(limit_of(rows_max))};
  if (auto read = co_await add_titles(std::move(bound), out); !read)
    co_return std::unexpected(std::move(read.error()));
  co_return out;
}

// Up to `rows_max` rows of one year, behind `after` if that lies in it.
Task<Result<void>> Stored::add_history_year(ProfileRef profile, std::int32_t year,
                                            std::optional<HistoryKey> after, std::size_t rows_max,
                                            std::vector<StoredView>& out) {
  const std::size_t full = out.size() + rows_max;
  const CqlValues partition = of(profile).integer(year);
  CqlValues values = partition;
  if (!after)
    co_return co_await add_views({statements_.history, values.integer(limit_of(rows_max))}, out);
  const std::int64_t start_ms = after->keyed_start.ms;
  values.bigint(start_ms).text(after->view).integer(limit_of(rows_max));
  if (auto read = co_await add_views({statements_.history_same_start, values}, out); !read)
    co_return read;
  if (out.size() >= full) co_return Result<void>{};
  values = partition;
  values.bigint(start_ms).integer(limit_of(full - out.size()));
  co_return co_await add_views({statements_.history_before, values}, out);
}

Task<Result<HistoryRows>> Stored::history(ProfileRef profile, std::optional<HistoryKey> after,
                                          std::size_t rows_max) {
  HistoryRows out;
  auto years = co_await session_->execute_all({statements_.years, of(profile)});
  if (!years) co_return std::unexpected(std::move(years.error()));
  const std::size_t wanted = rows_max + 1;  // one more says whether there is more
  for (const CqlRows& rows : *years)
    for (std::size_t i = 0; i < rows.size() && out.views.size() < wanted; ++i) {
      const auto year = rows.integer(i, 0);
      const auto last = after ? std::optional(history_year(after->keyed_start)) : std::nullopt;
      if (!year || (last && *year > *last)) continue;
      auto read = co_await add_history_year(profile, *year, *year == last ? after : std::nullopt,
                                            wanted - out.views.size(), out.views);
      if (!read) co_return std::unexpected(std::move(read.error()));
    }
  out.more = out.views.size() > rows_max;
  if (out.more) out.views.resize(rows_max);
  co_return out;
}

Task<Result<std::vector<std::string>>> Stored::profiles(AccountRef account, std::size_t rows_max) {
  std::vector<std::string> out;
  if (rows_max == 0) co_return out;
  auto all = co_await session_->execute_all(
      {statements_.profiles, of(account).integer(limit_of(rows_max))});
  if (!all) co_return std::unexpected(std::move(all.error()));
  for (const CqlRows& rows : *all)
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (const auto profile = rows.text(i, 0)) out.emplace_back(*profile);
  co_return out;
}

Task<Result<Erasures>> Stored::erasures(AccountRef account) {
  auto known = co_await erasures_.ask(std::move(account));
  if (!known) co_return std::unexpected(std::move(known.error()));
  co_return std::move(known->erasures);
}

}  // namespace

Result<std::unique_ptr<CassandraStore>> CassandraStore::open(const CassandraStoreOptions& options,
                                                             const Clock& clock) {
  auto session = CqlSession::open(options.cql);
  if (!session) return std::unexpected(std::move(session.error()));
  auto statements = Statements::prepare(**session);
  if (!statements) {
    Error& error = statements.error();
    if (error.code != Errc::kInvalidArgument) return std::unexpected(std::move(error));
    return fail(Errc::kCorrupt,
                "the keyspace '" + options.cql.keyspace +
                    "' has not the tables that this release needs; `playhead schema "
                    "apply` makes them (" +
                    error.detail + ")");
  }
  return std::make_unique<Stored>(options, clock, std::move(*session), std::move(*statements));
}

}  // namespace playhead
