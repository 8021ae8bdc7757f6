// Reads a journal without opening it for writing, on past damage where RocksDB can.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "journal/rocksdb/database.h"
#include "journal/rocksdb/keys.h"
#include "journal/rocksdb/rocks_journal.h"
#include "journal/rocksdb/status.h"
#include "journal/rocksdb/tail.h"
#include "record/frame.h"

namespace playhead {
namespace {

constexpr FrameNumber kSingleStepsMax = 4096;

class Check {
 public:
  Check(std::string path, ErasureVisit visit) : path_(std::move(path)), visit_(std::move(visit)) {}
  Result<JournalReport> run();

 private:
  void damaged(std::string what);
  bool open();
  void read_mark();
  void read_frames();
  void take(FrameNumber number, std::string_view bytes);
  void read_records(FrameNumber number, std::string_view bytes);
  FrameNumber newest_in_files() const;

  const std::string path_;
  const ErasureVisit visit_;  // may be empty
  std::unique_ptr<rocksdb::DB> db_;
  JournalReport report_;
  FrameNumber next_ = 1;
};

void Check::damaged(std::string what) {
  ++report_.damaged;
  if (report_.damage.size() < kJournalDamageMax) report_.damage.push_back(std::move(what));
}

// With a damaged log RocksDB opens only if it may skip what it can't read.
bool Check::open() {
  auto options = journal_database_options({.path = path_});
  options.create_if_missing = false;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::OpenForReadOnly(options, path_, &db);
  if (!status.ok()) {
    damaged(status.ToString());
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    options.paranoid_checks = false;
    status = rocksdb::DB::OpenForReadOnly(options, path_, &db);
    if (!status.ok()) damaged("nothing is readable: " + status.ToString());
  }
  db_.reset(db);
  return status.ok();
}

void Check::read_mark() {
  std::string value;
  const auto status = db_->Get({}, frame_key(kDropMark), &value);
  if (!status.ok()) return damaged("the drop mark is missing: " + status.ToString());
  const auto mark = read_drop_mark(value);
  if (!mark) return damaged(mark.error().detail);
  report_.dropped_through = mark->dropped;
  report_.first = next_ = mark->dropped + 1;
  report_.last = mark->dropped;
}

void Check::read_records(FrameNumber number, std::string_view bytes) {
  const FrameVisitor visitor{
      .wanted = [](std::uint16_t) { return true; },
      .heartbeat = [this](const FrameHead&, const Heartbeat&) -> Result<void> {
        ++report_.heartbeats;
        return {};
      },
      .snapshot = [this](const FrameHead&, Snapshot&&) -> Result<void> {
        ++report_.snapshots;
        return {};
      },
      .skipped = [](const FrameHead&, std::uint32_t) {},
      .title = [this](const FrameHead&, TitleDelta&&) -> Result<void> {
        ++report_.titles;
        return {};
      },
      .erasure = [this](const FrameHead&, const ErasureRecord& record) -> Result<void> {
        ++report_.erasures;
        if (visit_) visit_(record);
        return {};
      },
  };
  if (const auto read = read_frame(bytes, visitor); !read)
    damaged("frame " + std::to_string(number) + ": " + read.error().detail);
}

void Check::take(FrameNumber number, std::string_view bytes) {
  if (number > next_)
    damaged(number == next_ + 1 ? "frame " + std::to_string(next_) + " is missing"
                                : "frames " + std::to_string(next_) + " to " +
                                      std::to_string(number - 1) + " are missing");
  next_ = number + 1;
  report_.last = number;
  ++report_.frames;
  report_.bytes += bytes.size();
  read_records(number, bytes);
}

FrameNumber Check::newest_in_files() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  FrameNumber newest = 0;
  for (const auto& file : files)
    newest = std::max(newest, read_frame_key(file.largestkey).value_or(0));
  return newest;
}

// Where a block can't be read the next frame that can is sought: one by one, and in ever larger
// steps when there are many.
void Check::read_frames() {
  rocksdb::ReadOptions reading;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> frames(db_->NewIterator(reading));
  const FrameNumber newest = newest_in_files();
  FrameNumber step = 0;
  FrameNumber tries = 0;
  for (FrameNumber target = next_; step == 0 || target <= newest; target += step) {
    for (frames->Seek(frame_key(target)); frames->Valid(); frames->Next()) {
      const auto number = read_frame_key(frames->key().ToStringView());
      if (!number) return damaged("a key is no frame's number");
      take(*number, frames->value().ToStringView());
      step = 0;
    }
    if (frames->status().ok()) return;
    if (step == 0) {
      damaged("frame " + std::to_string(next_) + ": " + frames->status().ToString());
      target = next_;
      step = 1;
      tries = 0;
    }
    if (++tries > kSingleStepsMax) step *= 2;
  }
  if (newest >= next_)
    damaged("frames " + std::to_string(next_) + " to " + std::to_string(newest) + " are missing");
}

Result<JournalReport> Check::run() {
  for (std::string& what : damaged_logs(path_)) damaged(std::move(what));
  if (!open()) return report_;
  read_mark();
  read_frames();
  return report_;
}

}  // namespace

Result<JournalReport> check_journal(const std::string& path) {
  const auto lock = DirectoryLock::take(path, "journal");
  if (!lock) return std::unexpected(lock.error());
  return Check(path, {}).run();
}

Result<JournalReport> read_erasures(const std::string& path, const ErasureVisit& visit) {
  return Check(path, visit).run();
}

}  // namespace playhead
