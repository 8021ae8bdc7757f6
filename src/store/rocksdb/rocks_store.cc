// What goes through which threads.
#include "store/rocksdb/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <utility>
#include <variant>

#include "journal/rocksdb/status.h"
#include "record/stored.h"
#include "store/rocksdb/archive.h"
#include "store/rocksdb/backup.h"
#include "store/rocksdb/erase.h"
#include "store/rocksdb/families.h"
#include "store/rocksdb/put.h"
#include "store/rocksdb/rows.h"
#include "store/rocksdb/work_queue.h"

namespace playhead {
namespace {

using rocksdb::Status;

constexpr std::uint32_t kWaitingPurgesMax = 2;  // one at work, one for what came since

class Stored final : public RocksStore {
 public:
  Stored(const RocksStoreOptions& options, Families families)
      : families_(std::move(families)),
        rows_(families_),
        purger_("purges", 1, kWaitingPurgesMax),
        settler_("settles", 1, options.waiting_settles_max),
        writer_("writes", 1, options.waiting_writes_max),
        readers_("reads", options.reader_threads, options.waiting_reads_max) {}
  ~Stored() override { stopping_ = true; }

  Task<Result<void>> write(std::vector<Change> changes) override;
  Task<Result<void>> settle() override;
  Task<Result<std::size_t>> purge() override;
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
  bool is_over(const StoredView& view) const override {
    return Retention::is_over(view, families_.retention().oldest());
  }
  Task<Result<std::vector<Added>>> add(std::vector<Change> rows) override;
  Task<Result<std::vector<StoredView>>> account_views(AccountRef account, std::string after,
                                                      std::size_t rows_max) override;
  Task<Result<std::vector<TitleRow>>> account_titles(AccountRef account,
                                                     std::optional<TitlePlace> after,
                                                     std::size_t rows_max) override;

  std::optional<Result<std::vector<StoredView>>> try_active_views(
      const AccountRef& account) override;
  std::optional<Result<Erasures>> try_erasures(const AccountRef& account) override;
  std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef& account,
                                                            std::string_view view) override;
  std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef& profile, const std::vector<std::string>& titles) override;

  RocksStoreFigures figures() const override;
  Result<std::unique_ptr<Backups>> open_backups(const BackupOptions& options) override {
    return playhead::open_backups(families_.db(), options);
  }

 private:
  Result<void> write_now(const std::vector<Change>& changes);
  Result<void> write_batch(Status gathered, rocksdb::WriteBatch& batch, bool low_priority = false);
  Result<std::vector<Added>> add_now(const std::vector<Change>& rows);
  Result<void> settle_now(std::uint64_t turn);

  // A read on a reader thread: `read` fills a T.
  template <typename T>
  Task<Result<T>> reading(std::move_only_function<Status(T&)> read) {
    ++reads_;
    return readers_.run<T>([read = std::move(read)]() mutable -> Result<T> {
      T out{};
      const Status status = read(out);
      if (!status.ok()) return std::unexpected(error_of(status, "read the store"));
      return out;
    });
  }

  // A read from memory, here and now.
  template <typename T, typename Read>
  std::optional<Result<T>> trying(const Read& read) {
    tries_.fetch_add(1, std::memory_order_relaxed);
    T out{};
    const Status status = read(out);
    if (status.IsIncomplete()) {
      try_misses_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    if (!status.ok()) return std::unexpected(error_of(status, "read the store"));
    return out;
  }

  const Families families_;
  const Rows rows_;
  std::atomic<std::uint64_t> writes_ = 0, write_errors_ = 0, reads_ = 0, tries_ = 0,
                             try_misses_ = 0, flushes_ = 0, slots_purged_ = 0;
  std::atomic<std::uint64_t> settles_ = 0;  // asked for; also their turns
  std::uint64_t settled_ = 0;               // the settler's: turns that a flush has covered
  std::atomic<bool> stopping_ = false;      // what purges look at
  // Last, so that their threads end before what they use.
  WorkQueue purger_;
  WorkQueue settler_;
  WorkQueue writer_;
  WorkQueue readers_;
};

Result<void> Stored::write_now(const std::vector<Change>& changes) {
  rocksdb::WriteBatch batch;
  std::string row;
  Status status;
  for (const Change& change : changes) {
    if (const auto* view = std::get_if<ViewChange>(&change)) {
      if (view->first) status = drop_former_place(batch, families_, view->view);
      if (status.ok()) status = put_view(batch, families_, *view, row);
    } else if (const auto* title = std::get_if<TitleChange>(&change))
      status = merge_title(batch, families_, *title, row);
    else
      status = erase(families_, std::get<EraseChange>(change), batch);
    if (!status.ok()) break;
  }
  return write_batch(std::move(status), batch);
}

Result<std::vector<Added>> Stored::add_now(const std::vector<Change>& rows) {
  rocksdb::WriteBatch batch;
  std::vector<Added> added;
  Status status = add_rows(families_, rows_, rows, batch, added);
  if (auto written = write_batch(std::move(status), batch, true); !written)
    return std::unexpected(written.error());
  return added;
}

Result<void> Stored::write_batch(Status status, rocksdb::WriteBatch& batch, bool low_priority) {
  if (status.ok()) {
    rocksdb::WriteOptions writing;
    writing.low_pri = low_priority;  // it waits while compactions are behind
    writing.disableWAL = true;       // the journal keeps what was not settled
    status = families_.db().Write(writing, &batch);
  }
  ++writes_;
  if (status.ok()) return {};
  ++write_errors_;
  return std::unexpected(error_of(status, "write to the store"));
}

// One flush serves all the settles that were asked for before it began.
Result<void> Stored::settle_now(std::uint64_t turn) {
  if (settled_ >= turn) return {};
  const std::uint64_t covered = settles_.load();
  rocksdb::FlushOptions flushing;
  flushing.allow_write_stall = true;  // else it would wait for compactions that may never catch up
  const Status status = families_.db().Flush(flushing, families_.all());
  if (!status.ok()) return std::unexpected(error_of(status, "flush the store"));
  ++flushes_;
  settled_ = covered;
  return {};
}

Task<Result<void>> Stored::write(std::vector<Change> changes) {
  return writer_.run<void>([this, changes = std::move(changes)] { return write_now(changes); });
}

Task<Result<std::vector<Added>>> Stored::add(std::vector<Change> rows) {
  return writer_.run<std::vector<Added>>([this, rows = std::move(rows)] { return add_now(rows); });
}

Task<Result<std::vector<StoredView>>> Stored::account_views(AccountRef account, std::string after,
                                                            std::size_t rows_max) {
  return reading<std::vector<StoredView>>(
      [this, account = std::move(account), after = std::move(after), rows_max](auto& out) {
        return playhead::account_views(families_, account, after, rows_max, out);
      });
}

Task<Result<std::vector<TitleRow>>> Stored::account_titles(AccountRef account,
                                                           std::optional<TitlePlace> after,
                                                           std::size_t rows_max) {
  return reading<std::vector<TitleRow>>(
      [this, account = std::move(account), after = std::move(after), rows_max](auto& out) {
        return playhead::account_titles(families_, account, after, rows_max, out);
      });
}

Task<Result<void>> Stored::settle() {
  const std::uint64_t turn = ++settles_;
  return settler_.run<void>([this, turn] { return settle_now(turn); });
}

// The last flush makes it sure, and has the manifest written anew, without the keys of files that
// are gone.
Task<Result<std::size_t>> Stored::purge() {
  auto done = co_await purger_.run<std::vector<Trace>>([this]() -> Result<std::vector<Trace>> {
    std::vector<Trace> traces;
    const Status status = rewrite_traces(families_, stopping_, traces);
    if (!status.ok()) return std::unexpected(error_of(status, "rewrite the store"));
    return traces;
  });
  if (!done) co_return std::unexpected(done.error());
  if (done->empty()) co_return 0;
  const std::size_t slots = done->size();
  auto forgotten = co_await writer_.run<void>([this, traces = *std::move(done)] {
    rocksdb::WriteBatch batch;
    Status status = forget_traces(families_, traces, batch);
    return write_batch(std::move(status), batch);
  });
  if (!forgotten) co_return std::unexpected(forgotten.error());
  if (auto settled = co_await settle(); !settled) co_return std::unexpected(settled.error());
  slots_purged_ += slots;
  co_return slots;
}

Task<Result<std::vector<StoredView>>> Stored::active_views(AccountRef account) {
  return reading<std::vector<StoredView>>([this, account = std::move(account)](auto& out) {
    return rows_.active_views(rocksdb::kReadAllTier, account, out);
  });
}

Task<Result<std::optional<StoredView>>> Stored::view(AccountRef account, std::string view) {
  return reading<std::optional<StoredView>>(
      [this, account = std::move(account), view = std::move(view)](auto& out) {
        return rows_.view(rocksdb::kReadAllTier, account, view, out);
      });
}

Task<Result<std::vector<std::optional<TitleState>>>> Stored::titles(
    ProfileRef profile, std::vector<std::string> titles) {
  return reading<std::vector<std::optional<TitleState>>>(
      [this, profile = std::move(profile), titles = std::move(titles)](auto& out) {
        return rows_.titles(rocksdb::kReadAllTier, profile, titles, out);
      });
}

Task<Result<std::vector<NamedTitle>>> Stored::all_titles(ProfileRef profile, std::size_t rows_max) {
  return reading<std::vector<NamedTitle>>(
      [this, profile = std::move(profile), rows_max](auto& out) {
        return rows_.all_titles(profile, rows_max, out);
      });
}

Task<Result<HistoryRows>> Stored::history(ProfileRef profile, std::optional<HistoryKey> after,
                                          std::size_t rows_max) {
  return reading<HistoryRows>(
      [this, profile = std::move(profile), after = std::move(after), rows_max](auto& out) {
        return rows_.history(profile, after, rows_max, out);
      });
}

Task<Result<std::vector<std::string>>> Stored::profiles(AccountRef account, std::size_t rows_max) {
  return reading<std::vector<std::string>>(
      [this, account = std::move(account), rows_max](auto& out) {
        return rows_.profiles(account, rows_max, out);
      });
}

Task<Result<Erasures>> Stored::erasures(AccountRef account) {
  return reading<Erasures>([this, account = std::move(account)](auto& out) {
    return rows_.erasures(rocksdb::kReadAllTier, account, out);
  });
}

std::optional<Result<Erasures>> Stored::try_erasures(const AccountRef& account) {
  return trying<Erasures>(
      [&](auto& out) { return rows_.erasures(rocksdb::kBlockCacheTier, account, out); });
}

std::optional<Result<std::vector<StoredView>>> Stored::try_active_views(const AccountRef& account) {
  return trying<std::vector<StoredView>>(
      [&](auto& out) { return rows_.active_views(rocksdb::kBlockCacheTier, account, out); });
}

std::optional<Result<std::optional<StoredView>>> Stored::try_view(const AccountRef& account,
                                                                  std::string_view view) {
  return trying<std::optional<StoredView>>(
      [&](auto& out) { return rows_.view(rocksdb::kBlockCacheTier, account, view, out); });
}

std::optional<Result<std::vector<std::optional<TitleState>>>> Stored::try_titles(
    const ProfileRef& profile, const std::vector<std::string>& titles) {
  return trying<std::vector<std::optional<TitleState>>>(
      [&](auto& out) { return rows_.titles(rocksdb::kBlockCacheTier, profile, titles, out); });
}

RocksStoreFigures Stored::figures() const {
  RocksStoreFigures out{.writes = writes_,
                        .write_errors = write_errors_,
                        .reads = reads_,
                        .tries = tries_,
                        .try_misses = try_misses_,
                        .settles = settles_,
                        .flushes = flushes_,
                        .refused = settler_.refused() + writer_.refused() + readers_.refused(),
                        .slots_purged = slots_purged_};
  for (rocksdb::ColumnFamilyHandle* family : families_.all()) {
    std::uint64_t bytes = 0;
    if (families_.db().GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes))
      out.disk_bytes += bytes;
    if (families_.db().GetIntProperty(family, rocksdb::DB::Properties::kCurSizeAllMemTables,
                                      &bytes))
      out.memtable_bytes += bytes;
  }
  out.cache_bytes = families_.cache().GetUsage();
  return out;
}

}  // namespace

Result<std::unique_ptr<RocksStore>> RocksStore::open(const RocksStoreOptions& options) {
  if (auto made = make_directory(options.path); !made)
    return std::unexpected(std::move(made.error()));
  auto families = Families::open(options, Families::Access::kWrite);
  if (!families) return std::unexpected(std::move(families.error()));
  return std::make_unique<Stored>(options, std::move(*families));
}

}  // namespace playhead
