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

const char* reason(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return "nested too deep";
    case simdjson::UTF8_ERROR:
      return "not UTF-8";
    case simdjson::EMPTY:
      return "empty";
    case simdjson::NUMBER_ERROR:
      return "a number that is none, or too large";
    default:
      return "not JSON";
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

const char* JsonBody::parse(std::string_view part, simdjson::dom::element& root) {
  PLAYHEAD_ASSERT(part.data() >= bytes_.get() &&
                  part.data() + part.size() + simdjson::SIMDJSON_PADDING <=
                      bytes_.get() + capacity_);
  const simdjson::error_code error = parser_.parse(part.data(), part.size(), false).get(root);
  if (error != simdjson::SUCCESS) return reason(error);
  return has_lone_surrogate(part) ? "a lone surrogate" : nullptr;
}

}  // namespace playhead
