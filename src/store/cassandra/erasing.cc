// First the mark, then the rows: from the mark on nothing erased is seen, whatever fails after it.
#include "store/cassandra/erasing.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "record/stored.h"

namespace playhead {
namespace {

// Later than the time of any register: nobody writes in the generations that this deletes.
constexpr std::int64_t kAfterAllRegistersUs = std::int64_t{1} << 62;

constexpr std::size_t kAccountsMax = 32;  // of one question

std::string bytes_of(const Mark& mark) {
  std::string out;
  for (const std::uint64_t half : {mark.high, mark.low})
    for (std::size_t i = sizeof half; i-- > 0;) out += static_cast<char>(half >> (8 * i));
  return out;
}

std::optional<Mark> mark_from(std::string_view bytes) {
  if (bytes.size() != kMarkBytes) return std::nullopt;
  Mark mark;
  for (std::size_t i = 0; i < kMarkBytes; ++i) {
    std::uint64_t& half = i < kMarkBytes / 2 ? mark.high : mark.low;
    half = half << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return mark;
}

CqlBound erasures_of(const Statements& statements, const std::vector<std::string>& marks) {
  CqlValues values;
  if (marks.size() == 1)
    values.blob(marks.front());
  else
    values.blobs(marks);
  return {marks.size() == 1 ? statements.erasures : statements.erasures_of_some, std::move(values)};
}

// Adds a row to what is known of its account.
Result<void> read_erasure(const CqlRows& rows, std::size_t i, std::string_view whole,
                          KnownErasures& out, WriteClock& clock) {
  const std::string_view bytes = rows.blob(i, 1).value_or(std::string_view());
  const auto mark = mark_from(bytes);
  const auto through_ms = rows.bigint(i, 2), generation = rows.bigint(i, 3);
  if (!mark || !through_ms || !generation)
    return fail(Errc::kCorrupt, "a row of erasures can't be read");
  if (const auto written_us = rows.bigint(i, 4)) clock.observe(*written_us);
  const bool is_whole = bytes == whole;
  out.erasures.add(is_whole ? nullptr : &*mark, Instant{*through_ms});
  if (is_whole)
    out.account_generation = *generation;
  else
    out.generations.emplace_back(*mark, *generation);
  out.latest = std::max(out.latest, *generation);
  return {};
}

// Deletion of an account's rows, or of those that `more` values name.
CqlBound deletion(const CqlStatement& statement, std::int64_t at_us, const AccountRef& account) {
  return {statement, CqlValues().bigint(at_us).text(account.tenant).text(account.account)};
}

CqlValues of(const AccountRef& account) {
  CqlValues values;
  values.text(account.tenant).text(account.account);
  return values;
}

}  // namespace

std::int64_t KnownErasures::of(const ProfileRef& profile) const {
  if (generations.empty()) return account_generation;
  const Mark mark = mark_of(profile.tenant, profile.account, profile.profile);
  const auto known = std::ranges::find(generations, mark, &std::pair<Mark, std::int64_t>::first);
  return known == generations.end() ? account_generation
                                    : std::max(account_generation, known->second);
}

Task<Result<KnownErasures>> Eraser::known(AccountRef account) {
  std::vector<AccountRef> accounts{std::move(account)};
  auto all = co_await known_of(std::move(accounts));
  if (!all) co_return std::unexpected(std::move(all.error()));
  co_return std::move(all->front());
}

Task<Result<std::vector<KnownErasures>>> Eraser::known_of(std::vector<AccountRef> accounts) {
  std::map<std::string, KnownErasures> known;
  std::vector<std::string> marks;
  for (const AccountRef& account : accounts)
    marks.push_back(bytes_of(mark_of(account.tenant, account.account)));
  for (std::size_t begin = 0; begin < marks.size(); begin += kAccountsMax) {
    const auto from = marks.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kAccountsMax, marks.size() - begin));
    auto pages = co_await session_.execute_all(erasures_of(statements_, {from, from + count}));
    if (!pages) co_return std::unexpected(std::move(pages.error()));
    for (const CqlRows& rows : *pages)
      for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string account(rows.blob(row, 0).value_or(std::string_view()));
        if (auto read = read_erasure(rows, row, account, known[account], clock_); !read)
          co_return std::unexpected(std::move(read.error()));
      }
  }
  std::vector<KnownErasures> out;
  for (const std::string& mark : marks) out.push_back(known[mark]);
  co_return out;
}

Task<Result<void>> Eraser::erase(EraseChange change) {
  auto before = co_await known(change.account);
  if (!before) co_return std::unexpected(std::move(before.error()));
  const std::int64_t generation = before->latest + 1;
  const auto& [tenant, account] = change.account;
  const Instant known_through = change.profile.empty()
                                    ? before->erasures.account
                                    : before->erasures.through(tenant, account, change.profile);
  Result<void> done =
      co_await remember(change, generation, std::max(known_through, change.through));
  if (done) done = co_await drop_progress(change, generation);
  if (done) done = co_await drop_rows(std::move(change));
  co_return done;
}

Task<Result<void>> Eraser::remember(EraseChange change, std::int64_t generation, Instant through) {
  const auto& [tenant, account] = change.account;
  CqlBatch batch;
  batch.push_back(
      {statements_.put_erasure, CqlValues()
                                    .blob(bytes_of(mark_of(tenant, account)))
                                    .blob(bytes_of(mark_of(tenant, account, change.profile)))
                                    .bigint(through.ms)
                                    .bigint(generation)
                                    .bigint(clock_.next_us())});
  std::vector<CqlBatch> batches;
  batches.push_back(std::move(batch));
  co_return co_await session_.write_all(std::move(batches), window_);
}

// Also of profiles that have titles and no view.
Task<Result<void>> Eraser::drop_progress(EraseChange change, std::int64_t before) {
  std::vector<std::string> profiles;
  if (!change.profile.empty()) {
    profiles.push_back(change.profile);
  } else {
    auto pages = co_await session_.execute_all({statements_.progress_profiles, of(change.account)});
    if (!pages) co_return std::unexpected(std::move(pages.error()));
    for (const CqlRows& rows : *pages)
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (const auto profile = rows.text(i, 0)) profiles.emplace_back(*profile);
  }
  CqlBatch batch;
  for (const std::string& profile : profiles) {
    CqlBound bound = deletion(statements_.drop_progress, kAfterAllRegistersUs, change.account);
    bound.values.text(profile).bigint(before);
    batch.push_back(std::move(bound));
  }
  co_return co_await session_.write_all(batches_of(std::move(batch)), window_);
}

// Views, their places, and the profiles. What is read first shows the clock which writes to outdo.
Task<Result<void>> Eraser::drop_rows(EraseChange change) {
  const AccountRef& account = change.account;
  auto views = co_await session_.execute_all({statements_.account_views, of(account)});
  if (!views) co_return std::unexpected(std::move(views.error()));
  std::vector<std::string> names;
  for (const CqlRows& rows : *views)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (const auto written_us = rows.bigint(i, 1)) clock_.observe(*written_us);
      const auto view = decode_view(rows.blob(i, 0).value_or(std::string_view()));
      if (!view) co_return std::unexpected(view.error());
      if (view->ids.get().profile == change.profile) names.emplace_back(view->ids.get().view);
    }
  auto years = co_await session_.execute_all({statements_.account_years, of(account)});
  if (!years) co_return std::unexpected(std::move(years.error()));
  const std::int64_t now_us = clock_.next_us();
  std::vector<CqlBatch> places;
  for (const CqlRows& rows : *years)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto profile = rows.text(i, 0);
      const auto year = rows.integer(i, 1);
      if (!profile || !year || (!change.profile.empty() && *profile != change.profile)) continue;
      CqlBound bound = deletion(statements_.drop_history, now_us, account);
      bound.values.text(*profile).integer(*year);
      places.push_back({std::move(bound)});
    }
  if (auto dropped = co_await session_.write_all(std::move(places), window_); !dropped)
    co_return dropped;
  CqlBatch batch;
  if (change.profile.empty()) {
    for (const CqlStatement& statement : {statements_.wipe_views, statements_.wipe_active,
                                          statements_.wipe_profiles, statements_.wipe_years})
      batch.push_back(deletion(statement, now_us, account));
  } else {
    const auto add = [&](const CqlStatement& statement, std::string_view key) {
      CqlBound bound = deletion(statement, now_us, account);
      bound.values.text(key);
      batch.push_back(std::move(bound));
    };
    for (const std::string& name : names) {
      add(statements_.drop_view, name);
      add(statements_.drop_active, name);
    }
    add(statements_.drop_profile, change.profile);
    add(statements_.drop_years, change.profile);
  }
  co_return co_await session_.write_all(batches_of(std::move(batch)), window_);
}

}  // namespace playhead
