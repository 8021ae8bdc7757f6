// Writes JSON into a text that is already there. Commas come by themselves: from what the text
// ends with. Pure.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace playhead {

class JsonOut {
 public:
  explicit JsonOut(std::string& out) : out_(out) {}

  JsonOut& open(char bracket);   ///< '{' or '['
  JsonOut& close(char bracket);  ///< '}' or ']'
  JsonOut& key(std::string_view name);

  /// Bytes that are not UTF-8 become U+FFFD.
  JsonOut& value(std::string_view text);
  JsonOut& value(const char* text) { return value(std::string_view(text)); }
  JsonOut& value(const std::string& text) { return value(std::string_view(text)); }
  JsonOut& value(bool truth);
  JsonOut& value(std::int64_t number);
  template <std::integral Number>
    requires(!std::same_as<Number, bool> && !std::same_as<Number, std::int64_t>)
  JsonOut& value(Number number) {
    return value(static_cast<std::int64_t>(number));
  }
  JsonOut& value(Instant at);
  JsonOut& null();
  template <typename T>
  JsonOut& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }

  /// A member of an object.
  template <typename T>
  JsonOut& field(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }
  /// The same, with null for an empty text.
  JsonOut& text_or_null(std::string_view name, std::string_view text);

 private:
  void comma();

  std::string& out_;
};

}  // namespace playhead
