// Rows are deleted one by one: an account has few, and a range's tombstone would hold its ids.
#include "store/rocksdb/erase.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <array>
#include <memory>

#include "record/bytes.h"
#include "record/stored.h"
#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

using rocksdb::Status;

constexpr std::uint8_t kThroughFormat = 1;

// Calls `visit` with the key and the value of each row that begins with `prefix`.
template <typename Visit>
Status each(const Families& families, rocksdb::ColumnFamilyHandle* family,
            const std::string& prefix, const Visit& visit) {
  rocksdb::ReadOptions reading;
  reading.total_order_seek = true;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(families.db().NewIterator(reading, family));
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next())
    if (Status visited = visit(rows->key().ToStringView(), rows->value().ToStringView());
        !visited.ok())
      return visited;
  return rows->status();
}

// The view, and its places in the indexes.
Status erase_view(const Families& families, std::string_view key, const StoredView& view,
                  rocksdb::WriteBatch& batch) {
  const Ids ids = view.ids.get();
  const ProfileRef profile{std::string(ids.tenant), std::string(ids.account),
                           std::string(ids.profile)};
  Status status = batch.Delete(families.views(), key);
  if (status.ok()) status = batch.Delete(families.active(), key);
  if (!status.ok() || !view.view.record) return status;
  return batch.Delete(families.history(), history_key(profile, view.keyed_start, ids.view));
}

Status erase_views(const Families& families, const EraseChange& change,
                   rocksdb::WriteBatch& batch) {
  const std::string prefix = account_prefix(change.account.tenant, change.account.account);
  return each(families, families.views(), prefix, [&](std::string_view key, std::string_view row) {
    const auto view = decode_view(row);
    if (!view) return Status::Corruption(view.error().detail);
    if (!change.profile.empty() && view->ids.get().profile != change.profile) return Status::OK();
    return erase_view(families, key, *view, batch);
  });
}

// The mark of the thing itself; those of an erased account's profiles say nothing any more.
Status leave_mark(const Families& families, const EraseChange& change, rocksdb::WriteBatch& batch) {
  const std::string key =
      erasure_key(change.account.tenant, change.account.account, change.profile);
  if (change.profile.empty()) {
    const Status removed =
        each(families, families.erasures(), key, [&](std::string_view found, std::string_view row) {
          if (found == key || read_through(row).value_or(kNever) > change.through)
            return Status::OK();
          return batch.Delete(families.erasures(), found);
        });
    if (!removed.ok()) return removed;
  }
  std::string known;
  const Status read = families.db().Get({}, families.erasures(), key, &known);
  if (!read.ok() && !read.IsNotFound()) return read;
  const Instant before = read_through(known).value_or(kNever);
  return batch.Put(families.erasures(), key, through_row(std::max(before, change.through)));
}

// Whether this very erasure, or a later one, has been done: a replay of the journal tells of it
// again, and what was imported since, which no journal has, must stay.
Status is_done(const Families& families, const EraseChange& change, bool& done) {
  const auto& [tenant, account] = change.account;
  for (const std::string& key :
       {erasure_key(tenant, account), erasure_key(tenant, account, change.profile)}) {
    std::string row;
    const Status read = families.db().Get({}, families.erasures(), key, &row);
    if (!read.ok() && !read.IsNotFound()) return read;
    done = done || (read.ok() && read_through(row).value_or(kNever) >= change.through);
  }
  return Status::OK();
}

}  // namespace

Status erase(const Families& families, const EraseChange& change, rocksdb::WriteBatch& batch) {
  bool done = false;
  if (Status read = is_done(families, change, done); !read.ok() || done) return read;
  const auto& [tenant, account] = change.account;
  Status status = erase_views(families, change, batch);
  const auto remove = [&](rocksdb::ColumnFamilyHandle* family, const std::string& prefix) {
    if (status.ok())
      status = each(families, family, prefix, [&](std::string_view key, std::string_view) {
        return batch.Delete(family, key);
      });
  };
  if (change.profile.empty()) {
    remove(families.titles(), account_prefix(tenant, account));
    remove(families.profiles(), account_prefix(tenant, account));
  } else {
    remove(families.titles(), profile_prefix({tenant, account, change.profile}));
    if (status.ok())
      status = batch.Delete(families.profiles(), account_key(tenant, account, change.profile));
  }
  if (status.ok()) status = leave_mark(families, change, batch);
  if (!status.ok()) return status;
  const std::uint64_t number = families.db().GetLatestSequenceNumber();
  return batch.Put(families.meta(), trace_key(slot_of(tenant, account)), std::to_string(number));
}

Status rewrite_traces(const Families& families, std::atomic<bool>& stop, std::vector<Trace>& done) {
  std::vector<Trace> traces;
  Status status = each(families, families.meta(), std::string(kTracePrefix),
                       [&](std::string_view key, std::string_view number) {
                         const auto slot = read_trace_key(key);
                         if (!slot) return Status::Corruption("a trace's key");
                         traces.push_back({.slot = *slot, .number = std::string(number)});
                         return Status::OK();
                       });
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.allow_write_stall = true;  // else it would wait for compactions that may never catch up
  options.canceled = &stop;
  const std::array holders = {families.views(), families.active(), families.history(),
                              families.profiles(), families.titles()};
  for (Trace& trace : traces) {
    const std::string begin = slot_prefix(trace.slot), end = slot_prefix(trace.slot + 1U);
    const rocksdb::Slice first = begin, last = end;
    for (rocksdb::ColumnFamilyHandle* family : holders)
      if (status.ok()) status = families.db().CompactRange(options, family, &first, &last);
    if (!status.ok()) return status;
    done.push_back(std::move(trace));
  }
  return status;
}

Status forget_traces(const Families& families, const std::vector<Trace>& traces,
                     rocksdb::WriteBatch& batch) {
  for (const Trace& trace : traces) {
    std::string number;
    Status status = families.db().Get({}, families.meta(), trace_key(trace.slot), &number);
    if (status.ok() && number == trace.number)
      status = batch.Delete(families.meta(), trace_key(trace.slot));
    if (!status.ok()) return status;
  }
  return Status::OK();
}

std::string through_row(Instant through) {
  std::string row;
  row.push_back(static_cast<char>(kThroughFormat));
  put_signed(row, through.ms);
  return row;
}

std::optional<Instant> read_through(std::string_view row) {
  Reader in(row);
  const auto format = in.fixed<std::uint8_t>();
  const Instant through{in.integer()};
  if (!in.ok() || !in.done() || format != kThroughFormat) return std::nullopt;
  return through;
}

}  // namespace playhead
