// A row is looked for where it would go, in the thread that alone writes: nothing comes between.
#include "store/rocksdb/archive.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <memory>
#include <unordered_set>
#include <vector>

#include "record/stored.h"
#include "store/rocksdb/keys.h"
#include "store/rocksdb/put.h"

namespace playhead {
namespace {

using rocksdb::Status;

Status corruption(const Error& error) { return Status::Corruption(error.detail); }

// Adds rows to a batch, one after the other.
class Adder {
 public:
  Adder(const Families& families, const Rows& reader, rocksdb::WriteBatch& batch)
      : families_(families), reader_(reader), batch_(batch) {}

  Status view(const ViewChange& change, Added& added) {
    const Ids ids = change.view.ids.get();
    const Instant at = change.view.import ? change.view.import->at : kNever;
    Status status =
        erased({std::string(ids.tenant), std::string(ids.account)}, ids.profile, at, added);
    if (!status.ok() || added == Added::kErased) return status;
    std::string key = account_key(ids.tenant, ids.account, ids.view);
    rocksdb::PinnableSlice value;
    status = families_.db().Get({}, families_.views(), key, &value);
    if (!status.ok() && !status.IsNotFound()) return status;
    if (status.ok() || !fresh_.insert(std::move(key)).second) {
      added = Added::kThere;
      return Status::OK();
    }
    return put_view(batch_, families_, change, row_);
  }

  Status title(const TitleChange& change, Added& added) {
    const ProfileRef& profile = change.profile;
    Status status =
        erased({profile.tenant, profile.account}, profile.profile, change.delta.import.at, added);
    if (!status.ok() || added == Added::kErased) return status;
    rocksdb::PinnableSlice value;
    status = families_.db().Get({}, families_.titles(), title_key(profile, change.title), &value);
    if (!status.ok() && !status.IsNotFound()) return status;
    if (status.ok()) {
      auto known = decode_title(value.ToStringView());
      if (!known) return corruption(known.error());
      TitleState merged = *known;
      merged.merge(change.delta);
      merged.import = known->import;  // that it was imported again changes nothing
      if (merged == *known) {
        added = Added::kThere;
        return Status::OK();
      }
    }
    status = merge_title(batch_, families_, change, row_);
    if (!status.ok() || profile == profile_) return status;
    profile_ = profile;
    return batch_.Put(families_.profiles(),
                      account_key(profile.tenant, profile.account, profile.profile), {});
  }

 private:
  // Whether what came at `at` had been erased by then, or has been since.
  Status erased(const AccountRef& account, std::string_view profile, Instant at, Added& added) {
    if (account != account_) {
      account_ = account;
      erasures_ = {};
      if (Status read = reader_.erasures(rocksdb::kReadAllTier, account, erasures_); !read.ok())
        return read;
    }
    if (!erasures_.empty() && at <= erasures_.through(account.tenant, account.account, profile))
      added = Added::kErased;
    return Status::OK();
  }

  const Families& families_;
  const Rows& reader_;
  rocksdb::WriteBatch& batch_;
  std::string row_;
  std::unordered_set<std::string> fresh_;  // views of this batch
  AccountRef account_;                     // of the latest row, and what was erased of it
  Erasures erasures_;
  ProfileRef profile_;  // of the latest title
};

// Calls `visit` with the rows that begin with `prefix`, from `from` on, until `out` has `rows_max`.
template <typename Row, typename Visit>
Status page(const Families& families, rocksdb::ColumnFamilyHandle* family, std::string_view prefix,
            std::string_view from, std::size_t rows_max, std::vector<Row>& out,
            const Visit& visit) {
  rocksdb::ReadOptions reading;
  reading.total_order_seek = true;
  reading.fill_cache = false;  // an export shall not push out what viewers ask for
  const std::unique_ptr<rocksdb::Iterator> rows(families.db().NewIterator(reading, family));
  for (rows->Seek(from);
       rows->Valid() && rows->key().starts_with(rocksdb::Slice(prefix)) && out.size() < rows_max;
       rows->Next())
    if (Status visited = visit(rows->key().ToStringView(), rows->value().ToStringView());
        !visited.ok())
      return visited;
  return rows->status();
}

}  // namespace

Status add_rows(const Families& families, const Rows& reader, const std::vector<Change>& rows,
                rocksdb::WriteBatch& batch, std::vector<Added>& added) {
  Adder adder(families, reader, batch);
  added.assign(rows.size(), Added::kNew);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto* view = std::get_if<ViewChange>(&rows[i]);
    Status status = view != nullptr ? adder.view(*view, added[i])
                                    : adder.title(std::get<TitleChange>(rows[i]), added[i]);
    if (!status.ok()) return status;
  }
  return Status::OK();
}

Status account_views(const Families& families, const AccountRef& account, const std::string& after,
                     std::size_t rows_max, std::vector<StoredView>& out) {
  const std::string prefix = account_prefix(account.tenant, account.account);
  std::string from = prefix;
  if (!after.empty()) (from += after) += '\0';  // the first key behind it
  const Instant oldest = families.retention().oldest();
  return page(families, families.views(), prefix, from, rows_max, out,
              [&](std::string_view, std::string_view value) {
                auto view = decode_view(value);
                if (!view) return corruption(view.error());
                if (!Retention::is_over(*view, oldest)) out.push_back(std::move(*view));
                return Status::OK();
              });
}

Status account_titles(const Families& families, const AccountRef& account,
                      const std::optional<TitlePlace>& after, std::size_t rows_max,
                      std::vector<TitleRow>& out) {
  const std::string prefix = account_prefix(account.tenant, account.account);
  std::string from = prefix;
  if (after) {
    from = title_key({account.tenant, account.account, after->profile}, after->title);
    from += '\0';
  }
  const Instant oldest = families.retention().oldest();
  return page(families, families.titles(), prefix, from, rows_max, out,
              [&](std::string_view key, std::string_view value) {
                const auto parts = read_key(KeyKind::kTitle, key);
                auto state = decode_title(value);
                if (!parts || !state)
                  return parts ? corruption(state.error()) : Status::Corruption("a title's key");
                if (Retention::is_over(*state, oldest)) return Status::OK();
                out.push_back({.profile = std::string(parts->profile),
                               .title = std::string(parts->last),
                               .state = std::move(*state)});
                return Status::OK();
              });
}

}  // namespace playhead
