// A body's lines become rows, slice by slice; between two slices the thread does other work.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>

#include "base/hash.h"
#include "service/transfer.h"

namespace playhead {
namespace {

// Clocks differ a little; what is told of a later time than this would win for ever.
constexpr Millis kAheadMax = 60'000;

// The same view of the same file has the same id, whenever it is imported.
std::string derived_id(const ImportedView& view) {
  std::string facts;
  for (const std::string_view text : {view.account, view.profile, view.title})
    (facts += text) += '\n';
  facts += std::to_string(view.started_at.ms);
  char id[32];
  std::snprintf(id, sizeof id, "import-%016llx",
                static_cast<unsigned long long>(hash_bytes(facts)));
  return id;
}

StoredView stored_view(std::string_view tenant, const ImportedView& in, const Rules& rules,
                       const Import& import) {
  const std::string derived = in.view.empty() ? derived_id(in) : std::string();
  const FoldFacts facts = in.fold.value_or(FoldFacts{});
  StoredView out;
  out.ids = PackedIds({.tenant = tenant,
                       .account = in.account,
                       .profile = in.profile,
                       .title = in.title,
                       .series = in.series,
                       .next_title = in.next_title,
                       .view = in.view.empty() ? std::string_view(derived) : in.view,
                       .device = in.device,
                       .device_type = in.device_type,
                       .ended_by = in.ended_by});
  out.view = view_of(in, rules);
  out.import = import;
  out.keyed_start = facts.listed_at.value_or(in.started_at);
  out.last_arrival = facts.received_at.value_or(out.view.cursor.at);
  out.interval_ms = facts.interval_ms;
  out.cmcd = facts.cmcd;
  out.expired = !out.view.ended();
  return out;
}

ProfileRef profile_of(std::string_view tenant, std::string_view account, std::string_view profile) {
  return {std::string(tenant), std::string(account), std::string(profile)};
}

Result<Import> import_of(Instant latest, std::string_view origin, Instant now) {
  if (latest > now + kAheadMax)
    return fail(Errc::kUnprocessable, "it tells of a time that has not come yet");
  return Import{.at = now, .origin = std::string(origin.empty() ? "import" : origin)};
}

}  // namespace

// One of the imports at work, if there was room.
class Transfer::Turn {
 public:
  Turn(std::shared_ptr<std::atomic<std::uint32_t>> at_work, std::uint32_t max)
      : at_work_(std::move(at_work)) {
    has_ = at_work_->fetch_add(1) < max;
  }
  ~Turn() { at_work_->fetch_sub(1); }
  Turn(const Turn&) = delete;
  explicit operator bool() const { return has_; }

 private:
  const std::shared_ptr<std::atomic<std::uint32_t>> at_work_;
  bool has_;
};

// Rows of some lines; each row knows its line. A view has two: its own, and its title's.
struct Transfer::Slice {
  std::vector<Change> rows;
  std::vector<std::uint32_t> lines;  ///< of each row
  std::uint32_t first = 0;           ///< line
  std::uint32_t count = 0;           ///< of lines that gave rows

  Result<void> add(std::string_view tenant, const Result<ImportRecord>& record, const Rules& rules,
                   Instant now, std::uint32_t line) {
    if (!record) return std::unexpected(record.error());
    return std::visit(
        [&](const auto& in) -> Result<void> {
          const auto import = import_of(last_moment(in), in.origin, now);
          if (!import) return std::unexpected(import.error());
          add(tenant, in, rules, *import, line);
          return {};
        },
        *record);
  }

 private:
  void add(std::string_view tenant, const ImportedView& in, const Rules& rules,
           const Import& import, std::uint32_t line) {
    StoredView view = stored_view(tenant, in, rules, import);
    TitleState delta = contribution_of(view.view, view.ids.get());
    const bool tells = delta != TitleState{};
    delta.import = import;
    TitleChange title{.profile = profile_of(tenant, in.account, in.profile),
                      .title = std::string(in.title),
                      .delta = std::move(delta)};
    rows.emplace_back(ViewChange{.view = std::move(view), .first = true});
    lines.push_back(line);
    if (tells) {
      rows.emplace_back(std::move(title));
      lines.push_back(line);
    }
    ++count;
  }

  void add(std::string_view tenant, const ImportedTitle& in, const Rules&, const Import& import,
           std::uint32_t line) {
    TitleState delta = contribution(in);
    delta.import = import;
    rows.emplace_back(TitleChange{.profile = profile_of(tenant, in.account, in.profile),
                                  .title = std::string(in.title),
                                  .delta = std::move(delta)});
    lines.push_back(line);
    ++count;
  }
};

Transfer::Transfer(ShardThreads& shards, Store& store, Archive& archive, const Clock& clock,
                   ShardOptions shard, TransferOptions options)
    : shards_(shards),
      store_(store),
      archive_(archive),
      clock_(clock),
      shard_(shard),
      options_(options) {}

TransferFigures Transfer::figures() const {
  return {.imported = imported_,
          .already_there = already_there_,
          .rejected = rejected_,
          .refused = refused_,
          .exported = exported_};
}

Task<Result<ImportOutcome>> Transfer::import(std::string tenant, ImportParser records,
                                             bool durable) {
  const Turn turn(at_work_, options_.imports_max);
  if (!turn) {
    ++refused_;
    co_return fail(Errc::kOverloaded, "others import at this moment; retry later");
  }
  ImportOutcome outcome;
  Slice slice;
  for (std::uint32_t line = 0;; ++line) {
    auto record = records.next();
    const std::uint32_t read = line - slice.first;
    if (!record || read == options_.slice_records) {
      if (auto taken = co_await take(std::exchange(slice, {.first = line}), outcome); !taken)
        co_return std::unexpected(taken.error());
    }
    if (!record) break;
    if (auto added = slice.add(tenant, *record, shard_.rules, clock_.now(), line); !added)
      outcome.rejected.push_back({.index = line, .error = std::move(added.error())});
  }
  outcome.ignored = records.ignored();
  if (durable)
    if (auto settled = co_await store_.settle(); !settled)
      co_return std::unexpected(settled.error());
  std::ranges::sort(outcome.rejected, {}, &BadReport::index);
  imported_ += outcome.imported;
  already_there_ += outcome.already_there;
  rejected_ += outcome.rejected.size();
  co_return outcome;
}

// Views that memory has are there, whether or not the store has heard of them.
Task<Result<void>> Transfer::leave_out_known(Slice& slice) {
  std::vector<std::vector<std::size_t>> rows(shards_.count());
  for (std::size_t i = 0; i < slice.rows.size(); ++i)
    if (const auto* view = std::get_if<ViewChange>(&slice.rows[i])) {
      const Ids ids = view->view.ids.get();
      rows[shards_.owner_of(ids.tenant, ids.account)].push_back(i);
    }
  std::vector<bool> known(slice.rows.size());
  for (std::size_t owner = 0; owner < rows.size(); ++owner) {
    if (rows[owner].empty()) continue;
    const auto look = [](Shard& shard, const std::vector<Change>& changes,
                         std::vector<std::size_t> wanted) -> Task<std::vector<std::size_t>> {
      std::erase_if(wanted, [&](std::size_t i) {
        const Ids ids = std::get<ViewChange>(changes[i]).view.ids.get();
        return !shard.holds({std::string(ids.tenant), std::string(ids.account)}, ids.view);
      });
      co_return wanted;
    };
    const auto held = co_await boost::asio::co_spawn(
        shards_.threads().executor(owner),
        look(shards_.shard(owner), slice.rows, std::move(rows[owner])), boost::asio::use_awaitable);
    for (const std::size_t i : held) {
      known[i] = true;  // and what it tells of its title
      if (i + 1 < known.size() && slice.lines[i + 1] == slice.lines[i]) known[i + 1] = true;
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i]) continue;
    if (kept != i) slice.rows[kept] = std::move(slice.rows[i]);
    slice.lines[kept++] = slice.lines[i];
  }
  slice.rows.resize(kept);
  slice.lines.resize(kept);
  co_return Result<void>{};
}

// Writes the slice's rows and counts its lines: one is imported if any of its rows was new.
Task<Result<void>> Transfer::take(Slice slice, ImportOutcome& outcome) {
  if (slice.rows.empty()) co_return Result<void>{};
  co_await keep_pace(slice.count);
  if (auto left = co_await leave_out_known(slice); !left) co_return left;
  auto added = co_await archive_.add(std::move(slice.rows));
  if (!added) co_return std::unexpected(added.error());
  std::uint64_t imported = 0, erased = 0;
  for (std::size_t i = 0; i < added->size();) {
    const std::uint32_t line = slice.lines[i];
    bool is_new = false, is_erased = false;
    for (; i < added->size() && slice.lines[i] == line; ++i) {
      is_new |= (*added)[i] == Added::kNew;
      is_erased |= (*added)[i] == Added::kErased;
    }
    if (is_erased)
      outcome.rejected.push_back(
          {.index = line, .error = {Errc::kErased, "it was erased while it was imported"}});
    imported += is_new && !is_erased;
    erased += is_erased;
  }
  outcome.imported += imported;
  outcome.already_there += slice.count - imported - erased;
  co_return Result<void>{};
}

// Lets so much time pass that all imports together stay within the pace.
Task<> Transfer::keep_pace(std::size_t records) {
  if (options_.records_per_s_max == 0) co_return;
  const std::int64_t now_us = clock_.monotonic_ms() * 1000;
  const auto takes_us = static_cast<std::int64_t>(records) * 1'000'000 / options_.records_per_s_max;
  std::int64_t free_us = free_at_us_.load();
  while (!free_at_us_.compare_exchange_weak(free_us, std::max(free_us, now_us) + takes_us)) {
  }
  if (free_us <= now_us) co_return;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_after(std::chrono::microseconds(free_us - now_us));
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace playhead
