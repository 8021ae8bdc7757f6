// One visitor a kind of change.
#include "store/cassandra/writes.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "record/stored.h"

namespace playhead {
namespace {

// A batch that is one mutation has no limit of Cassandra's own but that of a mutation, 16 MiB.
// These keep it small enough to be sent and applied in a few milliseconds.
constexpr std::size_t kBatchStatementsMax = 100;
constexpr std::size_t kBatchBytesMax = std::size_t{64} * 1024;

// A clamp that chrono's calendar can take: some 28,500 years either way.
constexpr std::int64_t kCalendarMsMax = 900'000'000'000'000;

std::size_t bytes_of(const CqlBatch& batch) {
  std::size_t bytes = 0;
  for (const CqlBound& bound : batch) bytes += bound.values.bytes().size();
  return bytes;
}

// Batches by partition: the statements of one `add` stay together.
class Batches {
 public:
  void add(const std::string& partition, CqlBatch statements) {
    const std::size_t bytes = bytes_of(statements);
    const auto [place, fresh] = open_.try_emplace(partition);
    Open& open = place->second;
    if (fresh || batches_[open.index].size() + statements.size() > kBatchStatementsMax ||
        open.bytes + bytes > kBatchBytesMax) {
      open = {.index = batches_.size()};
      batches_.emplace_back();
    }
    open.bytes += bytes;
    CqlBatch& batch = batches_[open.index];
    std::ranges::move(statements, std::back_inserter(batch));
  }
  std::vector<CqlBatch> done() && { return std::move(batches_); }

 private:
  struct Open {
    std::size_t index = 0, bytes = 0;
  };
  std::map<std::string, Open> open_;
  std::vector<CqlBatch> batches_;
};

std::string partition_of(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) ((out += std::to_string(part.size())) += ':') += part;
  return out;
}

CqlValues of_account(const Ids& ids) {
  CqlValues values;
  values.text(ids.tenant).text(ids.account);
  return values;
}

struct Visitor {
  const Statements& statements;
  WriteClock& clock;
  const GenerationOf& generation_of;
  const ErasedThrough& erased_through;
  Batches places, rows;
  std::uint64_t changed = 0;

  // An erasure reads before it writes: whoever calls does it between two sets.
  void operator()(const EraseChange&) { PLAYHEAD_ASSERT(false); }

  void operator()(const ViewChange& change) {
    const Ids ids = change.view.ids.get();
    const std::int64_t now_us = clock.next_us();
    std::string record;
    encode(record, change.view);
    const bool whole = change.first || !change.position_only;
    if (whole && change.view.view.record) put_history(change, ids, record, now_us);
    CqlBatch batch;
    if (change.first) put_places(batch, change, ids, now_us);
    if (whole && change.view.active)
      batch.push_back({statements.put_active, of_account(ids).text(ids.view).bigint(now_us)});
    else if (whole)
      batch.push_back(
          {statements.drop_active,
           CqlValues().bigint(now_us).text(ids.tenant).text(ids.account).text(ids.view)});
    batch.push_back(
        {statements.put_view, of_account(ids).text(ids.view).blob(record).bigint(now_us)});
    changed += batch.size();
    rows.add(partition_of({ids.tenant, ids.account}), std::move(batch));
  }

  void operator()(const TitleChange& change) {
    const auto& [tenant, account, profile] = change.profile;
    // As of a journal that is read after its account was erased elsewhere.
    const TitleState& delta = change.delta;
    const Instant said = std::max({delta.position.moved, delta.watched.at, delta.hidden.at});
    if (change.unless_erased && said <= erased_through(change.profile)) return;
    const std::int64_t generation = generation_of(change.profile);
    CqlBatch batch;
    for (const Register which : kRegisters)
      if (const auto cell = encode_register(which, change.delta))
        batch.push_back({statements.put_register[static_cast<std::size_t>(which)],
                         CqlValues()
                             .bigint(cell->timestamp_us)
                             .blob(cell->bytes)
                             .text(tenant)
                             .text(account)
                             .text(profile)
                             .bigint(generation)
                             .text(change.title)});
    // A row without any register is there nonetheless; its one timestamp never loses to another.
    if (batch.empty())
      batch.push_back({statements.put_title, CqlValues()
                                                 .text(tenant)
                                                 .text(account)
                                                 .text(profile)
                                                 .bigint(generation)
                                                 .text(change.title)
                                                 .bigint(0)});
    places.add("progress" + partition_of({tenant, account}), std::move(batch));
    changed += change.delta.has_act() ? 2 : 1;
    if (!change.delta.has_act()) return;
    CqlValues values;
    values.text(tenant).text(account).text(profile).bigint(clock.next_us());
    rows.add(partition_of({tenant, account}), {{statements.put_profile, std::move(values)}});
  }

  // The view's record also lies in its place in history: a page is read with one question.
  void put_history(const ViewChange& change, const Ids& ids, const std::string& record,
                   std::int64_t now_us) {
    const std::int32_t year = history_year(change.view.keyed_start);
    ++changed;
    places.add(
        "history" + partition_of({ids.tenant, ids.account, ids.profile}) + std::to_string(year),
        {{statements.put_history, of_account(ids)
                                      .text(ids.profile)
                                      .integer(year)
                                      .bigint(change.view.keyed_start.ms)
                                      .text(ids.view)
                                      .blob(record)
                                      .bigint(now_us)}});
  }

  void put_places(CqlBatch& batch, const ViewChange& change, const Ids& ids, std::int64_t now_us) {
    batch.push_back({statements.put_profile, of_account(ids).text(ids.profile).bigint(now_us)});
    if (change.view.view.record)
      batch.push_back({statements.put_year, of_account(ids)
                                                .text(ids.profile)
                                                .integer(history_year(change.view.keyed_start))
                                                .bigint(now_us)});
  }
};

}  // namespace

std::int64_t WriteClock::next_us() {
  const std::int64_t now_us = clock_.now().ms * 1'000;
  std::int64_t last = last_us_.load();
  std::int64_t next = 0;
  do {
    next = std::max(now_us, last + 1);
  } while (!last_us_.compare_exchange_weak(last, next));
  return next;
}

void WriteClock::observe(std::int64_t timestamp_us) {
  std::int64_t last = last_us_.load();
  while (last < timestamp_us && !last_us_.compare_exchange_weak(last, timestamp_us)) {
  }
}

Writes writes_of(std::span<const Change> changes, const Statements& statements, WriteClock& clock,
                 const GenerationOf& generation_of, const ErasedThrough& erased_through) {
  Visitor visitor{.statements = statements,
                  .clock = clock,
                  .generation_of = generation_of,
                  .erased_through = erased_through,
                  .places = {},
                  .rows = {},
                  .changed = 0};
  for (const Change& change : changes) std::visit(visitor, change);
  return {.places = std::move(visitor.places).done(),
          .rows = std::move(visitor.rows).done(),
          .changed = visitor.changed};
}

std::vector<CqlBatch> batches_of(CqlBatch statements) {
  Batches batches;
  for (CqlBound& statement : statements) {
    CqlBatch one;
    one.push_back(std::move(statement));
    batches.add({}, std::move(one));
  }
  return std::move(batches).done();
}

std::int32_t history_year(Instant keyed_start) {
  const auto ms = std::clamp(keyed_start.ms, -kCalendarMsMax, kCalendarMsMax);
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(ms)};
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(at)};
  return static_cast<int>(date.year());
}

}  // namespace playhead
