// Strict where it matters: what is known must be right, what is unknown is ignored.
#include "http/url.h"

#include <charconv>

#include "base/ids.h"

namespace playhead {
namespace {

constexpr std::size_t kLimitDefault = 20;
constexpr std::size_t kLimitMax = 100;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// All but RFC 3986's unreserved bytes, so that the text is safe wherever a URL may stand.
void percent_encode(std::string& out, std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '~' || c == '-';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    ((out += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
}

std::unexpected<Error> wrong(std::string_view name, std::string_view expected) {
  return fail(Errc::kInvalidArgument,
              "query parameter " + std::string(name) + " must be " + std::string(expected));
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex(text[i + 1]), low = hex(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

Result<std::string> id_of_segment(std::string_view segment) {
  std::optional<std::string> id = percent_decode(segment);
  if (!id || !is_id(*id) || *id == "." || *id == "..")
    return fail(Errc::kInvalidArgument,
                "an id in the path must be 1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -");
  return *std::move(id);
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals));
    auto value =
        equals == std::string_view::npos ? std::string() : percent_decode(part.substr(equals + 1));
    if (!name || !value)
      return fail(Errc::kInvalidArgument, "the query holds a broken percent escape");
    if (query.parameters_.size() == kParametersMax)
      return fail(Errc::kInvalidArgument, "the query holds more parameters than are taken");
    query.parameters_.emplace_back(*std::move(name), *std::move(value));
  }
  return query;
}

Result<std::optional<std::string>> Query::text(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& [key, value] : parameters_) {
    if (key != name) continue;
    if (found) return wrong(name, "given once");
    found = value;
  }
  return found;
}

Result<std::optional<std::string>> Query::id(std::string_view name) const {
  auto found = text(name);
  if (found && *found && !is_id(**found))
    return wrong(name, "1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -");
  return found;
}

Result<std::optional<Instant>> Query::time(std::string_view name) const {
  const auto found = text(name);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  const std::optional<Instant> at = parse_rfc3339(**found);
  if (!at) return wrong(name, "a date-time of RFC 3339");
  return at;
}

Result<bool> Query::flag(std::string_view name) const {
  const auto found = text(name);
  if (!found) return std::unexpected(found.error());
  if (!*found || **found == "false") return false;
  if (**found == "true") return true;
  return wrong(name, "true or false");
}

Result<std::vector<std::string>> Query::ids(std::string_view name, std::size_t max) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : parameters_) {
    if (key != name) continue;
    if (!is_id(value)) return wrong(name, "1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -");
    if (found.size() == max) return wrong(name, "given at most " + std::to_string(max) + " times");
    found.push_back(value);
  }
  return found;
}

std::string Query::with(std::string_view name, std::string_view value) const {
  std::string text;
  const auto add = [&](std::string_view key, std::string_view content) {
    text += text.empty() ? '?' : '&';
    percent_encode(text, key);
    text += '=';
    percent_encode(text, content);
  };
  for (const auto& [key, content] : parameters_)
    if (key != name && key != kTokenParameter) add(key, content);
  add(name, value);
  return text;
}

Result<std::size_t> Query::limit() const { return number_up_to(kLimitMax, kLimitDefault); }

Result<std::size_t> Query::limit(std::size_t max) const { return number_up_to(max, max); }

Result<std::size_t> Query::number_up_to(std::size_t max, std::size_t otherwise) const {
  const auto found = text("limit");
  if (!found) return std::unexpected(found.error());
  if (!*found) return otherwise;
  std::size_t value = 0;
  const char* end = (*found)->data() + (*found)->size();
  const auto [last, error] = std::from_chars((*found)->data(), end, value);
  if (error != std::errc() || last != end || value < 1 || value > max)
    return wrong("limit", "a number from 1 to " + std::to_string(max));
  return value;
}

}  // namespace playhead
