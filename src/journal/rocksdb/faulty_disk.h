// A disk for tests whose writes and syncs of some files fail from a moment on. Thread-safe.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace playhead {

class FaultyDisk final : public rocksdb::FileSystemWrapper {
 public:
  /// Faults befall the files whose name ends in `suffix`: ".log" or ".sst".
  explicit FaultyDisk(std::string suffix)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), suffix_(std::move(suffix)) {}

  std::atomic<bool> fail_sync = false;
  std::atomic<bool> fail_append = false;
  std::atomic<int> faults = 0;  ///< how often one really happened

  const char* Name() const override { return "FaultyDisk"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (status.ok() && name.ends_with(suffix_))
      *result = std::make_unique<File>(std::move(*result), *this);
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultyDisk& disk)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (disk_.fail_append) return disk_.fault();
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& info,
                             rocksdb::IODebugContext* debug) override {
      if (disk_.fail_append) return disk_.fault();
      return FSWritableFileOwnerWrapper::Append(data, options, info, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      if (disk_.fail_sync) return disk_.fault();
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override {
      if (disk_.fail_sync) return disk_.fault();
      return FSWritableFileOwnerWrapper::Fsync(options, debug);
    }

   private:
    FaultyDisk& disk_;
  };

  rocksdb::IOStatus fault() {
    ++faults;
    return rocksdb::IOStatus::IOError("the test's disk fails");
  }

  const std::string suffix_;
};

}  // namespace playhead
