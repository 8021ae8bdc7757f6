// One engine a backup: it reads anew what is there, so that nothing need be remembered in between.
#include "store/rocksdb/backup.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <utility>

#include "journal/rocksdb/status.h"
#include "store/rocksdb/work_queue.h"

namespace playhead {
namespace {

constexpr std::uint32_t kWaitingMax = 16;         // of lists and, each apart, of backups
constexpr std::string_view kAtPrefix = "at_ms=";  // the moment that a backup is of

std::optional<Instant> read_at(std::string_view metadata) {
  if (!metadata.starts_with(kAtPrefix)) return std::nullopt;
  metadata.remove_prefix(kAtPrefix.size());
  Instant at;
  const auto [end, error] =
      std::from_chars(metadata.data(), metadata.data() + metadata.size(), at.ms);
  if (error != std::errc() || end != metadata.data() + metadata.size()) return std::nullopt;
  return at;
}

Backup backup_of(const rocksdb::BackupInfo& info) {
  return {.id = info.backup_id,
          .at = read_at(info.app_metadata).value_or(Instant{info.timestamp * 1000}),
          .bytes = info.size,
          .files = info.number_files};
}

class EngineBackups final : public Backups {
 public:
  EngineBackups(rocksdb::DB& db, const BackupOptions& options)
      : db_(db),
        options_(options),
        lister_("lists of backups", 1, kWaitingMax),
        maker_("backups", 1, kWaitingMax) {}
  ~EngineBackups() override { stop(); }

  Task<Result<Backup>> make(Instant at) override {
    return maker_.run<Backup>([this, at] {
      auto made = make_now(at);
      const std::scoped_lock lock(mutex_);
      if (made) figures_.last = *made;
      ++(made ? figures_.made : figures_.errors);
      return made;
    });
  }
  Task<Result<std::vector<Backup>>> list() override {
    return lister_.run<std::vector<Backup>>([this] { return list_now(); });
  }
  void stop() override {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    if (engine_ != nullptr) engine_->StopBackup();
  }
  BackupFigures figures() const override {
    const std::scoped_lock lock(mutex_);
    return figures_;
  }

  Result<void> look() {
    const auto known = list_now();
    if (!known) return std::unexpected(known.error());
    if (!known->empty()) figures_.last = known->back();
    return {};
  }

 private:
  Result<Backup> make_now(Instant at);
  Result<Backup> make_with(rocksdb::BackupEngine& engine, Instant at);
  Result<std::vector<Backup>> list_now() const;
  // stop() reaches the engine that is at work; false: nothing may begin any more.
  bool publish(rocksdb::BackupEngine* engine) {
    const std::scoped_lock lock(mutex_);
    engine_ = engine;
    return !stopping_;
  }

  rocksdb::DB& db_;
  const BackupOptions options_;
  mutable std::mutex mutex_;  // guards what follows, up to the queues
  rocksdb::BackupEngine* engine_ = nullptr;
  bool stopping_ = false;
  BackupFigures figures_;
  // Last, so that their threads end before what they use.
  WorkQueue lister_;
  WorkQueue maker_;
};

Result<Backup> EngineBackups::make_now(Instant at) {
  if (auto made = make_directory(options_.directory); !made)
    return std::unexpected(std::move(made.error()));
  const auto lock = DirectoryLock::hold(options_.directory);
  if (!lock)
    return fail(Errc::kUnavailable, "another server makes backups in " + options_.directory +
                                        ", or it can't be written to");
  rocksdb::BackupEngineOptions options(options_.directory);
  options.backup_rate_limit = options_.write_bytes_per_s_max;
  rocksdb::BackupEngine* opened = nullptr;
  const auto status = rocksdb::BackupEngine::Open(rocksdb::Env::Default(), options, &opened);
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  if (!status.ok())
    return std::unexpected(error_of(status, "open the backups in " + options_.directory));
  auto made = publish(engine.get()) ? make_with(*engine, at)
                                    : fail(Errc::kUnavailable, "the server is stopping");
  publish(nullptr);
  return made;
}

Result<Backup> EngineBackups::make_with(rocksdb::BackupEngine& engine, Instant at) {
  // What a backup that was cut short has left behind.
  rocksdb::Status status = engine.GarbageCollect();
  rocksdb::CreateBackupOptions creating;
  creating.flush_before_backup = true;
  creating.decrease_background_thread_cpu_priority = true;
  creating.background_thread_cpu_priority = rocksdb::CpuPriority::kLow;
  rocksdb::BackupID id = 0;
  if (status.ok())
    status = engine.CreateNewBackupWithMetadata(
        creating, &db_, std::string(kAtPrefix) + std::to_string(at.ms), &id);
  if (!status.ok())
    return std::unexpected(error_of(status, "make a backup in " + options_.directory));
  status = engine.PurgeOldBackups(options_.keep);
  rocksdb::BackupInfo info;
  if (status.ok()) status = engine.GetBackupInfo(id, &info);
  if (!status.ok())
    return std::unexpected(error_of(status, "delete old backups in " + options_.directory));
  return backup_of(info);
}

Result<std::vector<Backup>> EngineBackups::list_now() const {
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  const auto status = rocksdb::BackupEngineReadOnly::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions(options_.directory), &opened);
  const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine(opened);
  if (status.IsNotFound()) return {};  // none was ever made
  if (!status.ok())
    return std::unexpected(error_of(status, "read the backups in " + options_.directory));
  return backups_of(*engine);
}

}  // namespace

std::vector<Backup> backups_of(const rocksdb::BackupEngineReadOnlyBase& engine) {
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  std::vector<Backup> out;
  for (const rocksdb::BackupInfo& info : infos) out.push_back(backup_of(info));
  std::ranges::sort(out, {}, &Backup::id);
  return out;
}

Result<std::unique_ptr<Backups>> open_backups(rocksdb::DB& db, const BackupOptions& options) {
  if (auto made = make_directory(options.directory); !made)
    return std::unexpected(std::move(made.error()));
  auto backups = std::make_unique<EngineBackups>(db, options);
  if (auto looked = backups->look(); !looked) return std::unexpected(std::move(looked.error()));
  return backups;
}

}  // namespace playhead
