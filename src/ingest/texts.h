// Texts that outlive what they were copied from, in one block that grows only between bodies.
// Reports borrow from it. One thread at a time.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/assert.h"

namespace playhead {

class Texts {
 public:
  /// Forgets all texts and makes room for `bytes` of new ones.
  void reset(std::size_t bytes) {
    if (bytes > capacity_) {
      block_ = std::make_unique_for_overwrite<char[]>(bytes);
      capacity_ = bytes;
    }
    used_ = 0;
  }

  std::string_view keep(std::string_view text) {
    PLAYHEAD_ASSERT(text.size() <= capacity_ - used_);
    if (text.empty()) return {};
    char* const out = block_.get() + used_;
    std::memcpy(out, text.data(), text.size());
    used_ += text.size();
    return {out, text.size()};
  }

 private:
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0, used_ = 0;
};

}  // namespace playhead
