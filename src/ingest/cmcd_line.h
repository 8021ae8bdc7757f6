// One line of a CMCD body, an RFC 8941 dictionary, member by member. Pure; nothing is allocated.
// Only the syntax that separates members is checked; inner lists and parameters are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace playhead {

/// RFC 8941, 3.3.1. Players do send larger ones; they only have to be seen to be senseless.
inline constexpr std::int64_t kCmcdIntegerMax = 999'999'999'999'999;

/// A member's value. `text` borrows from the line: of a string it still holds its escapes.
struct CmcdValue {
  enum class Kind : std::uint8_t { kNone, kNumber, kString, kToken, kBytes, kBoolean, kList };
  Kind kind = Kind::kNone;
  std::string_view text;     ///< of a string or a token
  std::int64_t integer = 0;  ///< a number's whole part, held within kCmcdIntegerMax either way
  bool boolean = true;       ///< a bare key is true

  bool is_text() const { return kind == Kind::kString || kind == Kind::kToken; }
};

/// Walks over the members of a line.
class CmcdLine {
 public:
  explicit CmcdLine(std::string_view line) : rest_(line) {}

  /// The next member. False at the end, or at a syntax error.
  bool next(std::string_view& key, CmcdValue& value);
  bool broken() const { return broken_; }

 private:
  bool fail() {
    broken_ = true;
    return false;
  }
  bool read_key(std::string_view& key);
  bool read_value(CmcdValue& value);
  bool read_item(CmcdValue& value);
  bool read_number(CmcdValue& value);
  bool read_string(CmcdValue& value);
  bool read_until(char end, CmcdValue& value);
  bool read_list(CmcdValue& value);
  bool skip_parameters();
  void skip_blanks();

  std::string_view rest_;
  bool first_ = true;
  bool broken_ = false;
};

}  // namespace playhead
