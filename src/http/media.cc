// Quoted strings in parameters are not understood: none of the types that are taken has any.
#include "http/media.h"

#include <algorithm>
#include <string>

namespace playhead {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The part of `text` before `separator`; `text` becomes what follows.
std::string_view cut(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return trim(part);
}

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

/// A weight of 0 to 1 in thousandths; 1000 where it is none.
int weight_of(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int weight = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] == '.') {
    int unit = 100;
    for (const char c : text.substr(2, 3)) {
      if (c < '0' || c > '9') break;
      weight += (c - '0') * unit;
      unit /= 10;
    }
  }
  return std::min(weight, 1000);
}

/// How much `accept` wants `type`, in thousandths.
int wanted(std::string_view accept, std::string_view type) {
  if (trim(accept).empty()) return 1000;
  const std::string_view family = type.substr(0, type.find('/'));
  int best = 0;
  int best_rank = 0;  // 1: */*, 2: family/*, 3: the type itself
  while (!accept.empty()) {
    std::string_view range = cut(accept, ',');
    const std::string_view name = cut(range, ';');
    int weight = 1000;
    while (!range.empty()) {
      std::string_view parameter = cut(range, ';');
      const std::string_view key = cut(parameter, '=');
      if (same(key, "q")) weight = weight_of(parameter);
    }
    int rank = 0;
    if (same(name, type))
      rank = 3;
    else if (name.size() > 2 && name.ends_with("/*") &&
             same(name.substr(0, name.size() - 2), family))
      rank = 2;
    else if (name == "*/*" || name == "*")
      rank = 1;
    if (rank > best_rank || (rank == best_rank && rank > 0 && weight > best)) {
      best_rank = rank;
      best = weight;
    }
  }
  return best;
}

}  // namespace

BodyType body_type_of(std::string_view value) {
  if (trim(value).empty()) return BodyType::kNone;
  const std::string_view type = cut(value, ';');
  while (!value.empty()) {
    std::string_view parameter = cut(value, ';');
    const std::string_view key = cut(parameter, '=');
    if (!same(key, "charset")) continue;
    std::string_view charset = trim(parameter);
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"')
      charset = charset.substr(1, charset.size() - 2);
    if (!same(charset, "utf-8") && !same(charset, "us-ascii")) return BodyType::kOther;
  }
  if (same(type, "application/json")) return BodyType::kJson;
  if (same(type, "application/x-ndjson")) return BodyType::kNdjson;
  if (same(type, "text/plain")) return BodyType::kText;
  if (same(type, "application/cmcd") || same(type, "text/cmcd")) return BodyType::kCmcd;
  return BodyType::kOther;
}

bool accepts(std::string_view accept, std::string_view type) { return wanted(accept, type) > 0; }

bool prefers(std::string_view accept, std::string_view type, std::string_view other) {
  if (trim(accept).empty()) return false;
  const int weight = wanted(accept, type);
  const int rival = wanted(accept, other);
  if (weight != rival) return weight > rival;
  // Of equals the one that is named comes first.
  return weight > 0 && accept.find(type) < accept.find(other);
}

}  // namespace playhead
