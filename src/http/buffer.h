// What a connection has read and not yet answered: one run of bytes that grows only as far as a
// request needs it. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace playhead {

class Buffer {
 public:
  std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }

  /// Forgets the first `count` bytes. Views of the others stay valid.
  void consume(std::size_t count) { begin_ += count; }

  /// Where to read to: at least one byte, and enough for bytes() to become `wanted` long. Views of
  /// bytes() are void afterwards.
  std::span<char> room(std::size_t wanted) {
    const std::size_t held = end_ - begin_;
    std::size_t capacity = std::max({capacity_, kBytesMin, wanted, held + 1});
    // A read that filled everything up comes from somebody who has more.
    if (filled_ && capacity <= capacity_)
      capacity = std::max(capacity, std::min(capacity_ * 2, kBytesKept));
    if (held == 0 && capacity_ > kBytesKept && wanted <= kBytesKept) capacity = kBytesMin;
    if (capacity != capacity_) {
      auto data = std::make_unique_for_overwrite<char[]>(capacity);
      if (held > 0) std::memcpy(data.get(), data_.get() + begin_, held);
      data_ = std::move(data);
      capacity_ = capacity;
    } else if (begin_ > 0 && held > 0) {
      std::memmove(data_.get(), data_.get() + begin_, held);
    }
    begin_ = 0;
    end_ = held;
    return {data_.get() + end_, capacity_ - end_};
  }

  /// `count` bytes were read to room().
  void took(std::size_t count) {
    end_ += count;
    filled_ = end_ == capacity_;
  }

  static constexpr std::size_t kBytesMin = 4 * 1024;    ///< of a connection that waits
  static constexpr std::size_t kBytesKept = 64 * 1024;  ///< above it memory is given back when idle

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool filled_ = false;
};

}  // namespace playhead
