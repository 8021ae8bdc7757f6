// Numbers and texts as bytes: little-endian, LEB128 varints, zigzag for signed numbers. A Reader
// never runs past its end: after the first failure every read gives zero and ok() is false.
// Differences of times wrap, so that "never" (the smallest number there is) survives a round trip.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/time.h"

namespace playhead {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

inline constexpr std::size_t kVarintBytesMax = 10;

/// `value` in 1 to 10 bytes, seven bits each. Returns one past the last byte written.
inline char* write_varint(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

/// Small magnitudes to small numbers: 0, -1, 1, -2 become 0, 1, 2, 3.
constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// later - earlier, wrapping; Reader::since() is its inverse.
constexpr std::int64_t wrapping_difference(std::int64_t later, std::int64_t earlier) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(later) -
                                   static_cast<std::uint64_t>(earlier));
}
constexpr std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char bytes[kVarintBytesMax];
  out.append(bytes, static_cast<std::size_t>(write_varint(bytes, value) - bytes));
}
inline void put_signed(std::string& out, std::int64_t value) { put_varint(out, zigzag(value)); }
inline void put_since(std::string& out, Instant at, Instant base) {
  put_signed(out, wrapping_difference(at.ms, base.ms));
}
template <std::unsigned_integral T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}
/// A length, then the bytes.
inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

/// Takes numbers and texts off the front of `bytes`; texts borrow from them.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }
  std::string_view rest() const { return {at_, end_}; }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) break;  // more than 64 bits
        return value;
      }
    }
    return fail();
  }
  std::int64_t integer() { return unzigzag(varint()); }
  Instant since(Instant base) { return {wrapping_sum(integer(), base.ms)}; }

  template <std::unsigned_integral T>
  T fixed() {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(T)) return static_cast<T>(fail());
    T value;
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  /// A varint that must fit in T.
  template <std::unsigned_integral T>
  T narrow() {
    const std::uint64_t value = varint();
    return value > static_cast<T>(~T{0}) ? static_cast<T>(fail()) : static_cast<T>(value);
  }
  std::string_view take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      fail();
      return {};
    }
    const std::string_view out{at_, static_cast<std::size_t>(size)};
    at_ += size;
    return out;
  }
  std::string_view text() { return take(varint()); }
  /// A text of at most `size_max` bytes.
  std::string_view text(std::size_t size_max) {
    const std::uint64_t size = varint();
    if (size <= size_max) return take(size);
    fail();
    return {};
  }
  /// A value of an enum whose greatest is `last`.
  template <typename Enum>
  Enum value_of(Enum last) {
    const auto value = fixed<std::uint8_t>();
    if (value > static_cast<std::uint8_t>(last)) fail();
    return ok_ ? static_cast<Enum>(value) : Enum{};
  }
  std::uint64_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace playhead
