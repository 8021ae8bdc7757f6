// How changes become rows.
#include "store/rocksdb/put.h"

#include "record/stored.h"
#include "store/rocksdb/keys.h"

namespace playhead {

using rocksdb::Status;

Status put_view(rocksdb::WriteBatch& batch, const Families& families, const ViewChange& change,
                std::string& row) {
  const Ids ids = change.view.ids.get();
  const std::string key = account_key(ids.tenant, ids.account, ids.view);
  row.clear();
  encode(row, change.view);
  Status status = batch.Put(families.views(), key, row);
  if (status.ok())
    status = change.view.active ? batch.Put(families.active(), key, {})
                                : batch.Delete(families.active(), key);
  if (!change.first || !status.ok()) return status;
  status = batch.Put(families.profiles(), account_key(ids.tenant, ids.account, ids.profile), {});
  if (!change.view.view.record || !status.ok()) return status;
  const ProfileRef profile{std::string(ids.tenant), std::string(ids.account),
                           std::string(ids.profile)};
  return batch.Put(families.history(), history_key(profile, change.view.keyed_start, ids.view), {});
}

Status merge_title(rocksdb::WriteBatch& batch, const Families& families, const TitleChange& change,
                   std::string& row) {
  row.clear();
  encode(row, change.delta);
  return batch.Merge(families.titles(), title_key(change.profile, change.title), row);
}

}  // namespace playhead
