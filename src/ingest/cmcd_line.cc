// RFC 8941, 4.2, as far as CMCD needs it; upper-case keys pass, for custom keys were seen with
// them.
#include "ingest/cmcd_line.h"

#include <algorithm>
#include <array>

namespace playhead {
namespace {

enum : unsigned char { kKeyByte = 1, kTokenByte = 2, kDigit = 4 };

constexpr std::array<unsigned char, 256> kClasses = [] {
  std::array<unsigned char, 256> table{};
  for (unsigned char c = 'A'; c <= 'Z'; ++c) table[c] = kKeyByte | kTokenByte;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = kKeyByte | kTokenByte;
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = kKeyByte | kTokenByte | kDigit;
  for (const unsigned char c : {'_', '-', '.', '*'}) table[c] = kKeyByte | kTokenByte;
  for (const unsigned char c : {'!', '#', '$', '%', '&', '\'', '+', '^', '`', '|', '~', ':', '/'})
    table[c] = kTokenByte;
  return table;
}();

bool is(char c, unsigned char mask) {
  return (kClasses[static_cast<unsigned char>(c)] & mask) != 0;
}
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t span_of(std::string_view text, unsigned char mask) {
  std::size_t size = 0;
  while (size < text.size() && is(text[size], mask)) ++size;
  return size;
}

}  // namespace

void CmcdLine::skip_blanks() {
  while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
}

bool CmcdLine::next(std::string_view& key, CmcdValue& value) {
  skip_blanks();
  if (rest_.empty()) return false;
  if (!first_) {
    if (rest_.front() != ',') return fail();
    rest_.remove_prefix(1);
    skip_blanks();
  }
  first_ = false;
  value = {.kind = CmcdValue::Kind::kBoolean, .text = {}};
  if (!read_key(key)) return fail();
  if (!rest_.empty() && rest_.front() == '=') {
    rest_.remove_prefix(1);
    if (!read_value(value)) return fail();
  }
  return skip_parameters() || fail();
}

bool CmcdLine::read_key(std::string_view& key) {
  if (rest_.empty() || !(is_letter(rest_.front()) || rest_.front() == '*')) return false;
  key = rest_.substr(0, span_of(rest_, kKeyByte));
  rest_.remove_prefix(key.size());
  return true;
}

bool CmcdLine::read_value(CmcdValue& value) {
  if (!rest_.empty() && rest_.front() == '(') return read_list(value);
  return read_item(value);
}

bool CmcdLine::read_item(CmcdValue& value) {
  if (rest_.empty()) return false;
  const char first = rest_.front();
  if (is(first, kDigit) || first == '-') return read_number(value);
  if (first == '"') return read_string(value);
  if (first == ':') {
    value.kind = CmcdValue::Kind::kBytes;
    return read_until(':', value);
  }
  if (first == '?') {
    if (rest_.size() < 2 || (rest_[1] != '0' && rest_[1] != '1')) return false;
    value.kind = CmcdValue::Kind::kBoolean;
    value.boolean = rest_[1] == '1';
    rest_.remove_prefix(2);
    return true;
  }
  if (!is_letter(first) && first != '*') return false;
  value.kind = CmcdValue::Kind::kToken;
  value.text = rest_.substr(0, span_of(rest_, kTokenByte));
  rest_.remove_prefix(value.text.size());
  return true;
}

bool CmcdLine::read_number(CmcdValue& value) {
  const bool negative = rest_.front() == '-';
  if (negative) rest_.remove_prefix(1);
  const std::size_t digits = span_of(rest_, kDigit);
  if (digits == 0) return false;
  value.kind = CmcdValue::Kind::kNumber;
  for (const char digit : rest_.substr(0, digits))
    value.integer = std::min(value.integer * 10 + (digit - '0'), kCmcdIntegerMax);
  if (negative) value.integer = -value.integer;
  rest_.remove_prefix(digits);
  if (rest_.empty() || rest_.front() != '.') return true;
  rest_.remove_prefix(1);
  const std::size_t fraction = span_of(rest_, kDigit);
  rest_.remove_prefix(fraction);
  return fraction > 0;
}

bool CmcdLine::read_string(CmcdValue& value) {
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '\\') {
      ++i;
    } else if (rest_[i] == '"') {
      value.kind = CmcdValue::Kind::kString;
      value.text = rest_.substr(1, i - 1);
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool CmcdLine::read_until(char end, CmcdValue& value) {
  const std::size_t at = rest_.find(end, 1);
  if (at == std::string_view::npos) return false;
  value.text = rest_.substr(1, at - 1);
  rest_.remove_prefix(at + 1);
  return true;
}

bool CmcdLine::read_list(CmcdValue& value) {
  rest_.remove_prefix(1);
  for (;;) {
    skip_blanks();
    if (rest_.empty()) return false;
    if (rest_.front() == ')') break;
    CmcdValue item;
    if (!read_item(item) || !skip_parameters()) return false;
  }
  rest_.remove_prefix(1);
  value = {.kind = CmcdValue::Kind::kList, .text = {}};
  return true;
}

bool CmcdLine::skip_parameters() {
  while (!rest_.empty() && rest_.front() == ';') {
    rest_.remove_prefix(1);
    skip_blanks();
    std::string_view key;
    if (!read_key(key)) return false;
    if (!rest_.empty() && rest_.front() == '=') {
      rest_.remove_prefix(1);
      CmcdValue value;
      if (!read_item(value)) return false;
    }
  }
  return true;
}

}  // namespace playhead
