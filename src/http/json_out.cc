// Escapes per RFC 8259; UTF-8 per RFC 3629.
#include "http/json_out.h"

#include <charconv>

namespace playhead {
namespace {

/// The bytes of the UTF-8 sequence that `text` begins with; 0 if it is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;  // of the second byte
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf)
    length = 2;
  else if (first >= 0xe0 && first <= 0xef)
    length = 3;
  else if (first >= 0xf0 && first <= 0xf4)
    length = 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (length == 0 || text.size() < length || at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  return length;
}

void escape(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else if (c < 0x80) {
      out += text[0];
    } else if (length = utf8_length(text); length > 0) {
      out += text.substr(0, length);
    } else {
      length = 1;
      out += "\\ufffd";
    }
    text.remove_prefix(length);
  }
  out += '"';
}

}  // namespace

void JsonOut::comma() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last == '"' || last == '}' || last == ']' || (last >= '0' && last <= '9') ||
      (last >= 'a' && last <= 'z'))
    out_ += ',';
}

JsonOut& JsonOut::open(char bracket) {
  comma();
  out_ += bracket;
  return *this;
}

JsonOut& JsonOut::close(char bracket) {
  out_ += bracket;
  return *this;
}

JsonOut& JsonOut::key(std::string_view name) {
  comma();
  escape(out_, name);
  out_ += ':';
  return *this;
}

JsonOut& JsonOut::value(std::string_view text) {
  comma();
  escape(out_, text);
  return *this;
}

JsonOut& JsonOut::value(bool truth) {
  comma();
  out_ += truth ? "true" : "false";
  return *this;
}

JsonOut& JsonOut::value(std::int64_t number) {
  comma();
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  out_.append(digits, end);
  return *this;
}

JsonOut& JsonOut::value(Instant at) { return value(format_rfc3339(at)); }

JsonOut& JsonOut::null() {
  comma();
  out_ += "null";
  return *this;
}

JsonOut& JsonOut::text_or_null(std::string_view name, std::string_view text) {
  key(name);
  return text.empty() ? null() : value(text);
}

}  // namespace playhead
