// A journal in a directory that goes away with its test, and frames that can be told apart. For
// tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/test_directory.h"
#include "journal/rocksdb/rocks_journal.h"

namespace playhead::journal_test {

namespace fs = std::filesystem;

// A directory that goes away with the test.
class Directory : public TestDirectory {
 public:
  std::string path() const { return (root() / "journal").string(); }

  // The files of one kind, oldest first.
  std::vector<fs::path> files(std::string_view extension) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path()))
      if (entry.path().extension() == extension) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
  }
};

inline std::unique_ptr<RocksJournal> open(const std::string& path) {
  auto opened = RocksJournal::open({.path = path});
  if (!opened) throw std::runtime_error(opened.error().detail);
  return std::move(*opened);
}

inline std::string frame_of(std::uint64_t n, std::size_t bytes = 100) {
  std::string frame = "frame " + std::to_string(n) + " ";
  while (frame.size() < bytes) frame += static_cast<char>('a' + (frame.size() * 7 + n) % 26);
  return frame;
}

inline Result<FrameNumber> append(Journal& journal, std::string frame) {
  std::promise<Result<FrameNumber>> promise;
  auto answer = promise.get_future();
  journal.append(std::move(frame),
                 [&](Result<FrameNumber> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

// Appends frames up to number `last`, each as frame_of() says.
inline void append_through(Journal& journal, FrameNumber last, std::size_t bytes = 100) {
  for (FrameNumber n = journal.extent().last + 1; n <= last; ++n) {
    const auto number = append(journal, frame_of(n, bytes));
    ASSERT_TRUE(number) << number.error().detail;
    ASSERT_EQ(*number, n);
  }
}

inline Result<std::map<FrameNumber, std::string>> frames_of(const Journal& journal) {
  std::map<FrameNumber, std::string> frames;
  auto read = journal.replay([&](FrameNumber number, std::string_view bytes) -> Result<void> {
    frames.emplace(number, bytes);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return frames;
}

// That the journal holds exactly frames `first` to `last`, as frame_of() made them.
inline void expect_frames(const Journal& journal, FrameNumber first, FrameNumber last,
                          std::size_t bytes = 100) {
  const auto frames = frames_of(journal);
  ASSERT_TRUE(frames) << frames.error().detail;
  EXPECT_EQ(frames->size(), last + 1 - first);
  for (FrameNumber n = first; n <= last; ++n) {
    ASSERT_TRUE(frames->contains(n)) << n;
    EXPECT_EQ(frames->at(n), frame_of(n, bytes)) << n;
  }
}

inline void flip(const fs::path& path, std::uint64_t offset, int bit = 5) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  ASSERT_NE(byte, EOF);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ (1 << bit)));
}

}  // namespace playhead::journal_test
