// Opening, replaying and dropping. Frames are written by the committer's thread alone; the drop
// mark by whoever drops.
#include "journal/rocksdb/rocks_journal.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "journal/rocksdb/committer.h"
#include "journal/rocksdb/database.h"
#include "journal/rocksdb/keys.h"
#include "journal/rocksdb/status.h"
#include "journal/rocksdb/tail.h"

namespace playhead {
namespace {

// Sizes are kept for runs of frames, not for each: the kept bytes are exact to within one run.
constexpr std::uint64_t kRunBytes = 1 << 20;

rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

Error damaged(const std::string& path, const std::string& what) {
  return {
      Errc::kCorrupt,
      "the journal in " + path + " is damaged: " + what +
          "; `playhead check` shows what is readable; restore the directory from a copy, or move "
          "it away to start with what the last checkpoint kept"};
}

// Where runs of frames end, and how large they are. Thread-safe.
class Sizes {
 public:
  void add(FrameNumber last, std::uint64_t bytes) {
    const std::scoped_lock lock(mutex_);
    total_ += bytes;
    if (!runs_.empty() && runs_.back().bytes < kRunBytes) {
      runs_.back().last = last;
      runs_.back().bytes += bytes;
    } else {
      runs_.push_back({last, bytes});
    }
  }

  void drop_through(FrameNumber last) {
    const std::scoped_lock lock(mutex_);
    while (!runs_.empty() && runs_.front().last <= last) {
      total_ -= runs_.front().bytes;
      runs_.pop_front();
    }
  }

  std::uint64_t total() const {
    const std::scoped_lock lock(mutex_);
    return total_;
  }

 private:
  struct Run {
    FrameNumber last;
    std::uint64_t bytes;
  };
  mutable std::mutex mutex_;
  std::deque<Run> runs_;
  std::uint64_t total_ = 0;
};

class Journalled final : public RocksJournal {
 public:
  explicit Journalled(RocksJournalOptions options) : options_(std::move(options)) {}
  ~Journalled() override {
    committer_.reset();  // writes what waits
    if (db_) db_->Close().PermitUncheckedError();
  }

  Result<void> recover();

  void append(std::string frame, Done done) override {
    committer_->append(std::move(frame), std::move(done));
  }
  Result<void> replay(const Visitor& visit) const override;
  Result<void> drop_through(FrameNumber last) override;
  Result<void> note_stored(FrameNumber last) override;
  Result<void> roll() override;
  Extent extent() const override { return {dropped_.load() + 1, committer_->last()}; }
  std::uint64_t bytes() const override { return sizes_.total(); }
  RocksJournalFigures figures() const override { return committer_->figures(); }

 private:
  Result<void> mend();
  Result<DropMark> recover_mark(bool empty);
  Result<void> write_mark(FrameNumber dropped);
  Result<FrameNumber> recover_last(FrameNumber dropped);
  Result<void> write(FrameNumber first, std::span<const std::string> frames);
  std::vector<rocksdb::LiveFileMetaData> files() const;
  Result<void> drop_files(FrameNumber through);

  const RocksJournalOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;  // the committer's
  Sizes sizes_;
  std::mutex drop_mutex_;   // one drop, or note, at a time
  FrameNumber stored_ = 0;  // replay() passes over frames up to here
  std::atomic<FrameNumber> dropped_ = 0;
  std::unique_ptr<Committer> committer_;
};

// The newest frame in the file; 0 if it holds none, nothing if its keys are not ours.
std::optional<FrameNumber> newest_in(const rocksdb::LiveFileMetaData& file) {
  return read_frame_key(file.largestkey);
}

// Oldest first, which is the order in which they were written.
std::vector<rocksdb::LiveFileMetaData> Journalled::files() const {
  std::vector<rocksdb::LiveFileMetaData> out;
  db_->GetLiveFilesMetaData(&out);
  std::ranges::sort(out, {}, &rocksdb::LiveFileMetaData::largest_seqno);
  return out;
}

Result<void> Journalled::recover() {
  if (auto made = make_directory(options_.path); !made) return made;
  if (has_lost_current(options_.path))
    return std::unexpected(damaged(options_.path, std::string(kLostCurrent)));
  if (auto mended = mend(); !mended) return mended;
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(journal_database_options(options_), options_.path, &db);
  db_.reset(db);
  if (!opened.ok()) {
    Error error = open_error(opened, "journal", options_.path);
    if (error.code == Errc::kCorrupt) error = damaged(options_.path, opened.ToString());
    return std::unexpected(std::move(error));
  }
  const std::unique_ptr<rocksdb::Iterator> frames(db_->NewIterator({}));
  frames->SeekToFirst();
  auto mark = recover_mark(!frames->Valid() && frames->status().ok());
  if (!mark) return std::unexpected(std::move(mark.error()));
  const FrameNumber dropped = mark->dropped;
  auto last = recover_last(dropped);
  if (!last) return std::unexpected(std::move(last.error()));
  if (mark->stored > *last)  // or new frames would get numbers that a start passes over
    return std::unexpected(
        damaged(options_.path, "frames up to " + std::to_string(mark->stored) + " are missing"));
  dropped_ = dropped;
  if (!options_.power.empty() && mark->power == options_.power) stored_ = mark->stored;
  // A crash may have come between the mark and the deletion of the files that it frees.
  const auto live = files();
  if (!live.empty() && newest_in(live.front()).value_or(~FrameNumber{0}) <= dropped)
    if (auto freed = drop_files(dropped); !freed) return freed;
  for (const auto& file : live)
    if (newest_in(file).value_or(0) > dropped) sizes_.add(*newest_in(file), file.size);
  committer_ = std::make_unique<Committer>(
      Committer::Limits{.group_bytes_max = options_.group_bytes_max,
                        .waiting_bytes_max = options_.waiting_bytes_max,
                        .waiting_frames_max = options_.waiting_frames_max},
      *last, [this](FrameNumber first, std::span<const std::string> group) {
        return write(first, group);
      });
  return {};
}

// Cuts off what a crash left of a write, under the lock that RocksDB takes right after.
Result<void> Journalled::mend() {
  const auto lock = DirectoryLock::take(options_.path, "journal");
  if (!lock && lock.error().code == Errc::kNotFound) return {};  // a new one
  if (!lock) return std::unexpected(lock.error());
  auto mended = mend_logs(options_.path);
  if (!mended && mended.error().code == Errc::kCorrupt)
    return std::unexpected(damaged(options_.path, mended.error().detail));
  return mended;
}

// An `empty` journal is a new one and gets its mark.
Result<DropMark> Journalled::recover_mark(bool empty) {
  if (empty) {
    if (auto written = write_mark(0); !written) return std::unexpected(written.error());
    return DropMark{};
  }
  std::string value;
  const auto status = db_->Get({}, frame_key(kDropMark), &value);
  if (status.IsNotFound()) return std::unexpected(damaged(options_.path, "it has no drop mark"));
  if (!status.ok()) return std::unexpected(damaged(options_.path, status.ToString()));
  auto mark = read_drop_mark(value);
  if (!mark) mark.error().detail = "the journal in " + options_.path + ": " + mark.error().detail;
  return mark;
}

Result<void> Journalled::write_mark(FrameNumber dropped) {
  const auto status =
      db_->Put(synced(), frame_key(kDropMark),
               drop_mark({.dropped = dropped, .stored = stored_, .power = options_.power}));
  if (!status.ok()) return std::unexpected(error_of(status, "write to " + options_.path));
  return {};
}

// The newest frame. Whether all between are there is replay's to find: it reads them anyway.
Result<FrameNumber> Journalled::recover_last(FrameNumber dropped) {
  const std::unique_ptr<rocksdb::Iterator> frames(db_->NewIterator({}));
  frames->Seek(frame_key(dropped + 1));
  if (!frames->status().ok())
    return std::unexpected(damaged(options_.path, frames->status().ToString()));
  if (!frames->Valid()) return dropped;
  const auto first = read_frame_key(frames->key().ToStringView());
  frames->SeekToLast();
  if (!frames->status().ok())
    return std::unexpected(damaged(options_.path, frames->status().ToString()));
  const auto last = read_frame_key(frames->key().ToStringView());
  if (!first || !last) return std::unexpected(damaged(options_.path, "a key is no frame's number"));
  if (*first != dropped + 1)
    return std::unexpected(damaged(options_.path, "frames " + std::to_string(dropped + 1) + " to " +
                                                      std::to_string(*first - 1) + " are missing"));
  return *last;
}

Result<void> Journalled::write(FrameNumber first, std::span<const std::string> frames) {
  batch_.Clear();
  std::uint64_t bytes = 0;
  FrameNumber number = first;
  for (const std::string& frame : frames) {
    bytes += frame.size();
    const auto put = batch_.Put(frame_key(number++), frame);
    if (!put.ok()) return std::unexpected(error_of(put, "gather frames"));
  }
  const auto written = db_->Write(synced(), &batch_);
  if (!written.ok()) return std::unexpected(error_of(written, "write to " + options_.path));
  sizes_.add(number - 1, bytes);
  return {};
}

Result<void> Journalled::replay(const Visitor& visit) const {
  rocksdb::ReadOptions reading;
  reading.fill_cache = false;
  reading.verify_checksums = true;
  const Extent kept = extent();
  const std::unique_ptr<rocksdb::Iterator> frames(db_->NewIterator(reading));
  FrameNumber next = std::max(kept.first, stored_ + 1);
  for (frames->Seek(frame_key(next)); frames->Valid() && next <= kept.last; frames->Next()) {
    const FrameNumber number = read_frame_key(frames->key().ToStringView()).value_or(0);
    if (number != next) break;
    if (auto visited = visit(number, frames->value().ToStringView()); !visited) return visited;
    ++next;
  }
  if (!frames->status().ok())
    return std::unexpected(damaged(
        options_.path, "frame " + std::to_string(next) + ": " + frames->status().ToString()));
  if (next <= kept.last)
    return std::unexpected(damaged(
        options_.path, "frame " + std::to_string(next) + " is missing, newer ones are there"));
  return {};
}

Result<void> Journalled::drop_through(FrameNumber last) {
  const std::scoped_lock lock(drop_mutex_);
  if (auto failed = committer_->failure()) return std::unexpected(*std::move(failed));
  last = std::min(last, committer_->last());
  if (last <= dropped_) return {};
  if (auto freed = drop_files(last); !freed) {
    committer_->fail(freed.error());
    return std::unexpected(*committer_->failure());
  }
  dropped_ = last;
  sizes_.drop_through(last);
  return {};
}

Result<void> Journalled::note_stored(FrameNumber last) {
  const std::scoped_lock lock(drop_mutex_);
  if (auto failed = committer_->failure()) return std::unexpected(*std::move(failed));
  stored_ = std::max(stored_, std::min(last, committer_->last()));
  return write_mark(dropped_);
}

// A flush: what was in the write-ahead log lies in a file then, and the log is deleted.
Result<void> Journalled::roll() {
  const std::scoped_lock lock(drop_mutex_);
  if (auto failed = committer_->failure()) return std::unexpected(*std::move(failed));
  const auto flushed = db_->Flush({});
  if (!flushed.ok()) return std::unexpected(error_of(flushed, "flush " + options_.path));
  return {};
}

// Writes the mark, then deletes the oldest files while all their frames have been dropped. A
// failure to delete is none of the caller's: the files go with the next drop or start.
Result<void> Journalled::drop_files(FrameNumber through) {
  // Taken before the mark is written: none of these files can hold the new mark.
  const auto live = files();
  if (auto marked = write_mark(through); !marked) return marked;
  for (const auto& file : live) {
    const auto newest = newest_in(file);
    if (!newest || *newest > through) break;
    // DeleteFilesInRanges passes over level 0, where all of ours lie; DeleteFile takes its oldest.
    if (!db_->DeleteFile(file.name).ok()) break;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<RocksJournal>> RocksJournal::open(RocksJournalOptions options) {
  auto journal = std::make_unique<Journalled>(std::move(options));
  if (auto recovered = journal->recover(); !recovered)
    return std::unexpected(std::move(recovered.error()));
  return journal;
}

}  // namespace playhead
