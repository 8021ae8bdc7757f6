// One member of a JSON object as what it must be, or an error that names it. Pure.
//
// Duplicate keys: of one object, known names are caught by a bit each and unknown ones by comparing
// them, up to kUnknownMax. Objects inside an ignored value are not looked into: nothing reads them.
#pragma once

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// The greatest span: up to here, whoever computes in doubles still counts right.
inline constexpr std::int64_t kJsonIntegerMax = std::int64_t{1} << 53;

/// Which members an object has shown so far.
class Members {
 public:
  static constexpr std::size_t kUnknownMax = 32;

  /// False if the known member of that bit was there before.
  bool known(unsigned bit) {
    const std::uint32_t mask = std::uint32_t{1} << bit;
    const bool fresh = (known_ & mask) == 0;
    known_ |= mask;
    return fresh;
  }
  /// False if `name` was there before, or is one too many.
  bool unknown(std::string_view name);

  bool has(unsigned bit) const { return (known_ >> bit & 1) != 0; }
  std::uint32_t mask() const { return known_; }
  std::size_t unknowns() const { return unknowns_; }

 private:
  std::uint32_t known_ = 0;
  std::size_t unknowns_ = 0;
  std::array<std::string_view, kUnknownMax> names_;  // written before read
};

/// Reads members. After a call that returned false, error() says why.
class FieldReader {
 public:
  using Value = simdjson::dom::element;

  /// 1 to 128 bytes of the ids' alphabet. Else invalid_argument: no later release could take it.
  bool id(Value value, std::string_view name, std::string_view& out);
  /// RFC 3339. Else invalid_argument.
  bool time(Value value, std::string_view name, Instant& out);
  bool time(Value value, std::string_view name, std::optional<Instant>& out);
  /// 0 to `max`, written without fraction or exponent (1234.0 is refused: whoever computes in
  /// floats must round, and say so). Not an integer: invalid_argument; out of range: unprocessable.
  bool integer(Value value, std::string_view name, std::int64_t max, std::int64_t& out);
  bool span(Value value, std::string_view name, std::optional<std::int64_t>& out);
  bool flag(Value value, std::string_view name, bool& out);
  bool text(Value value, std::string_view name, std::string_view& out);

  bool wrong(Errc code, std::string_view name, std::string_view how);
  /// Books an unknown member; false if it is there twice or there are too many.
  bool unknown(Members& members, std::string_view name);
  /// Books a known member; false if it is there twice.
  bool known(Members& members, unsigned bit, std::string_view name) {
    return members.known(bit) || wrong(Errc::kInvalidArgument, name, "is there twice");
  }

  const Error& error() const { return error_; }

 private:
  Error error_{Errc::kInvalidArgument, {}};
};

}  // namespace playhead
