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

Status drop_former_place(rocksdb::WriteBatch& batch, const Families& families,
                         const StoredView& view) {
  const Ids ids = view.ids.get();
  rocksdb::PinnableSlice value;
  const Status status = families.db().Get({}, families.views(),
                                          account_key(ids.tenant, ids.account, ids.view), &value);
  if (status.IsNotFound()) return Status::OK();
  if (!status.ok()) return status;
  const auto before = decode_view(value.ToStringView());
  if (!before) return Status::OK();  // replaced, damaged as it is
  const Ids former = before->ids.get();
  if (before->keyed_start == view.keyed_start && former.profile == ids.profile) return Status::OK();
  const ProfileRef profile{std::string(former.tenant), std::string(former.account),
                           std::string(former.profile)};
  return batch.Delete(families.history(), history_key(profile, before->keyed_start, former.view));
}

Status merge_title(rocksdb::WriteBatch& batch, const Families& families, const TitleChange& change,
                   std::string& row) {
  row.clear();
  encode(row, change.delta);
  const ProfileRef& profile = change.profile;
  Status status = batch.Merge(families.titles(), title_key(profile, change.title), row);
  if (!change.delta.has_act() || !status.ok()) return status;
  return batch.Put(families.profiles(),
                   account_key(profile.tenant, profile.account, profile.profile), {});
}

}  // namespace playhead
