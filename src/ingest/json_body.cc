// simdjson checks syntax, UTF-8 and depth with constant stack; 3.0 lets lone surrogates pass.
#include "ingest/json_body.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/assert.h"

namespace playhead {
namespace {

constexpr std::size_t kBytesMin = 4'096;

// The number behind \u at `at`; the document has been accepted, so it is there.
unsigned unit_at(std::string_view text, std::size_t at) {
  unsigned unit = 0;
  if (at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u')
    std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  return unit;
}

bool has_lone_surrogate(std::string_view text) {
  std::size_t at = text.find('\\');
  while (at != std::string_view::npos) {
    const unsigned unit = unit_at(text, at);
    std::size_t length = unit == 0 ? 2 : 6;
    if (unit >= 0xdc00 && unit <= 0xdfff) return true;
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const unsigned low = unit_at(text, at + 6);
      if (low < 0xdc00 || low > 0xdfff) return true;
      length = 12;
    }
    at = text.find('\\', at + length);
  }
  return false;
}

// True if an integer of more digits than 64 bits hold stands outside the strings. simdjson 3.0
// calls it a number error, like 1e999; but it is a number, and only too large.
bool has_huge_integer(std::string_view text) {
  constexpr std::size_t kDigitsMin = 19;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
    } else if (is_digit(text[at])) {
      const std::size_t first = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      const std::size_t digits = at - first;
      // The rest of a number that is no integer goes with it.
      while (at < text.size() && (is_digit(text[at]) || std::strchr(".eE+-", text[at]) != nullptr))
        ++at;
      if (at - first == digits && digits >= kDigitsMin && text[first] != '0') return true;
    }
  }
  return false;
}

std::unexpected<Error> refusal(simdjson::error_code error, std::string_view part) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return fail(Errc::kInvalidArgument, "is nested too deep");
    case simdjson::UTF8_ERROR:
      return fail(Errc::kInvalidArgument, "is not UTF-8");
    case simdjson::EMPTY:
      return fail(Errc::kInvalidArgument, "is empty");
    case simdjson::NUMBER_ERROR:
      if (has_huge_integer(part))
        return fail(Errc::kUnprocessable, "holds an integer beyond all ranges");
      return fail(Errc::kInvalidArgument, "holds a number that is none");
    default:
      return fail(Errc::kInvalidArgument, "is not JSON");
  }
}

}  // namespace

JsonBody::JsonBody() {
  const simdjson::error_code error = parser_.allocate(kBytesMin, kDepthMax);
  PLAYHEAD_ASSERT(error == simdjson::SUCCESS);
}

std::string_view JsonBody::hold(std::string_view body) {
  if (body.size() + simdjson::SIMDJSON_PADDING > capacity_) {
    capacity_ = std::max(kBytesMin, 2 * body.size()) + simdjson::SIMDJSON_PADDING;
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (!body.empty()) std::memcpy(bytes_.get(), body.data(), body.size());
  std::memset(bytes_.get() + body.size(), 0, simdjson::SIMDJSON_PADDING);
  return {bytes_.get(), body.size()};
}

Result<simdjson::dom::element> JsonBody::parse(std::string_view part) {
  PLAYHEAD_ASSERT(part.data() >= bytes_.get() &&
                  part.data() + part.size() + simdjson::SIMDJSON_PADDING <=
                      bytes_.get() + capacity_);
  simdjson::dom::element root;
  const simdjson::error_code error = parser_.parse(part.data(), part.size(), false).get(root);
  if (error != simdjson::SUCCESS) return refusal(error, part);
  if (has_lone_surrogate(part)) return fail(Errc::kInvalidArgument, "holds a lone surrogate");
  return root;
}

}  // namespace playhead
