// Marks name no ids, but the slot: the ids that match are looked for among the slot's rows.
#include "store/rocksdb/restore.h"

#include <rocksdb/utilities/backup_engine.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "journal/rocksdb/status.h"
#include "record/erasure.h"
#include "record/stored.h"
#include "store/rocksdb/backup.h"
#include "store/rocksdb/erase.h"
#include "store/rocksdb/families.h"
#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

using rocksdb::Status;

constexpr std::uint64_t kCacheBytes = 32ULL << 20;  // everything is read once

// Calls `visit` with each row from `begin` up to `end`; the empty text is the end of all.
template <typename Visit>
Status each(const Families& families, rocksdb::ColumnFamilyHandle* family, const std::string& begin,
            const std::string& end, const Visit& visit) {
  rocksdb::ReadOptions reading;
  reading.total_order_seek = true;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(families.db().NewIterator(reading, family));
  for (rows->Seek(begin); rows->Valid(); rows->Next()) {
    if (!end.empty() && rows->key().compare(end) >= 0) break;
    if (Status visited = visit(rows->key().ToStringView(), rows->value().ToStringView());
        !visited.ok())
      return visited;
  }
  return rows->status();
}

Status marks_of(const Families& families, Marks& marks) {
  return each(families, families.erasures(), {}, {},
              [&](std::string_view key, std::string_view row) {
                const auto through = read_through(row);
                if (!through) return Status::Corruption("an erasure's row");
                add_mark(marks, std::string(key), *through);
                return Status::OK();
              });
}

Result<Marks> marks_in(const RocksStoreOptions& options) {
  const auto families = Families::open(options, Families::Access::kReadOnly);
  if (!families) return std::unexpected(families.error());
  Marks marks;
  const Status status = marks_of(*families, marks);
  if (!status.ok())
    return std::unexpected(error_of(status, "read the erasures of " + options.path));
  return marks;
}

// The things that marks of one slot are of, as far as the store has anything of them.
class Finder {
 public:
  Finder(const Families& families, const Marks& wanted) : families_(families), wanted_(wanted) {}

  Status look(unsigned slot) {
    const auto in_slot = [&](rocksdb::ColumnFamilyHandle* family, const auto& visit) {
      return each(families_, family, slot_prefix(slot), slot_prefix(slot + 1), visit);
    };
    Status status = in_slot(families_.profiles(), [&](std::string_view key, std::string_view) {
      return take(key, KeyKind::kAccount, {});
    });
    if (status.ok())
      status = in_slot(families_.titles(), [&](std::string_view key, std::string_view) {
        return take(key, KeyKind::kTitle, {});
      });
    if (status.ok())
      status = in_slot(families_.views(), [&](std::string_view key, std::string_view row) {
        const auto view = decode_view(row);
        if (!view) return Status::Corruption(view.error().detail);
        return take(key, KeyKind::kAccount, view->ids.get().profile);
      });
    return status;
  }

  /// By key.
  const std::map<std::string, EraseChange>& found() const { return found_; }

 private:
  // `profile`: empty where the key says it.
  Status take(std::string_view key, KeyKind kind, std::string_view profile) {
    const auto parts = read_key(kind, key);
    if (!parts) return Status::Corruption("a key is malformed");
    if (profile.empty()) profile = kind == KeyKind::kTitle ? parts->profile : parts->last;
    note(*parts, {});
    note(*parts, profile);
    return Status::OK();
  }

  void note(const KeyParts& parts, std::string_view profile) {
    std::string key = erasure_key(parts.tenant, parts.account, profile);
    const auto mark = wanted_.find(key);
    if (mark == wanted_.end()) return;
    found_.try_emplace(std::move(key), EraseChange{.account = {std::string(parts.tenant),
                                                               std::string(parts.account)},
                                                   .profile = std::string(profile),
                                                   .through = mark->second});
  }

  const Families& families_;
  const Marks& wanted_;
  std::map<std::string, EraseChange> found_;
};

Status write(const Families& families, rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions writing;
  writing.disableWAL = true;  // a flush follows
  return families.db().Write(writing, &batch);
}

// What is in the store's rows is erased, and every mark is there from now on.
Status apply(const Families& families, const Marks& marks, Reapplied& done) {
  Finder finder(families, marks);
  int looked = -1;
  for (const auto& [key, through] : marks) {
    const int slot = static_cast<unsigned char>(key[0]) << 8 | static_cast<unsigned char>(key[1]);
    if (slot == looked) continue;
    if (Status status = finder.look(static_cast<unsigned>(slot)); !status.ok()) return status;
    looked = slot;
  }
  for (const auto& [key, through] : marks) {
    rocksdb::WriteBatch batch;
    const auto found = finder.found().find(key);
    Status status = found != finder.found().end()
                        ? erase(families, found->second, batch)
                        : batch.Put(families.erasures(), key, through_row(through));
    if (status.ok()) status = write(families, batch);
    if (!status.ok()) return status;
    done.erased += found != finder.found().end();
    ++done.marks;
  }
  return Status::OK();
}

// Files that held what was erased are written anew, then the manifest, with the last flush.
Status forget(const Families& families) {
  std::atomic<bool> stop = false;
  std::vector<Trace> traces;
  rocksdb::WriteBatch batch;
  Status status = rewrite_traces(families, stop, traces);
  if (status.ok()) status = forget_traces(families, traces, batch);
  if (status.ok()) status = write(families, batch);
  if (status.ok()) status = families.db().Flush({}, families.all());
  return status;
}

}  // namespace

void add_mark(Marks& marks, const std::string& key, Instant through) {
  const auto [known, added] = marks.try_emplace(key, through);
  if (!added) known->second = std::max(known->second, through);
}

Result<Marks> read_marks(const std::string& path) {
  return marks_in({.path = path, .block_cache_bytes = kCacheBytes});
}

struct BackupDirectory::Engine {
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine;
};

BackupDirectory::BackupDirectory(std::string path, std::unique_ptr<Engine> engine)
    : path_(std::move(path)), engine_(std::move(engine)), backups_(backups_of(*engine_->engine)) {}
BackupDirectory::BackupDirectory(BackupDirectory&&) noexcept = default;
BackupDirectory::~BackupDirectory() = default;

Result<BackupDirectory> BackupDirectory::open(const std::string& path) {
  const auto none = [&] { return fail(Errc::kNotFound, "there is no backup in '" + path + "'"); };
  std::error_code error;
  if (!std::filesystem::is_directory(path + "/meta", error)) return none();
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  const auto status = rocksdb::BackupEngineReadOnly::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions(path), &opened);
  auto engine = std::make_unique<Engine>();
  engine->engine.reset(opened);
  if (!status.ok()) return std::unexpected(error_of(status, "read the backups in " + path));
  BackupDirectory directory(path, std::move(engine));
  if (directory.list().empty()) return none();
  return directory;
}

std::vector<std::uint32_t> BackupDirectory::damaged() const {
  std::vector<rocksdb::BackupID> ids;
  engine_->engine->GetCorruptedBackups(&ids);
  return ids;
}

Result<Marks> BackupDirectory::marks(std::uint32_t id) const {
  rocksdb::BackupInfo info;
  const auto status = engine_->engine->GetBackupInfo(id, &info, true);
  if (!status.ok()) return std::unexpected(error_of(status, "read backup " + std::to_string(id)));
  return marks_in({.path = info.name_for_open,
                   .block_cache_bytes = kCacheBytes,
                   .env = info.env_for_open.get()});
}

Result<void> BackupDirectory::restore(std::uint32_t id, const std::string& path) const {
  const std::string name = "backup " + std::to_string(id) + " in " + path_;
  rocksdb::Status status = engine_->engine->VerifyBackup(id, true);
  if (!status.ok())
    return fail(Errc::kCorrupt, name + " is damaged, nothing was restored: " + status.ToString());
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(Errc::kUnavailable, "remove " + path + ": " + error.message());
  if (auto made = make_directory(path); !made) return made;
  status = engine_->engine->RestoreDBFromBackup(id, path, path);
  if (!status.ok()) return std::unexpected(error_of(status, "restore " + name));
  return sync_directory(path);
}

Result<Reapplied> reapply(const std::string& path, const Marks& marks) {
  const auto families =
      Families::open({.path = path, .block_cache_bytes = kCacheBytes}, Families::Access::kWrite);
  if (!families) return std::unexpected(families.error());
  Reapplied done;
  Marks known, wanted;
  Status status = marks_of(*families, known);
  for (const auto& [key, through] : marks) {
    const auto mark = known.find(key);
    if (mark == known.end() || mark->second < through) wanted.emplace(key, through);
  }
  if (status.ok()) status = apply(*families, wanted, done);
  if (status.ok()) status = forget(*families);
  if (!status.ok()) return std::unexpected(error_of(status, "erase again in " + path));
  return done;
}

}  // namespace playhead
