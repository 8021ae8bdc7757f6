// A body as a JSON document: one parser with padded memory of its own, kept from body to body.
// One thread at a time.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string_view>

#include "base/result.h"

namespace playhead {

class JsonBody {
 public:
  /// A report needs one level, an array of them two; what lies deeper is somebody's unknown field.
  static constexpr std::size_t kDepthMax = 32;

  JsonBody();

  /// Copies `body`, whose parts can then be parsed. Returns the copy: it lives until the next one.
  std::string_view hold(std::string_view body);

  /// Parses `part` of what is held; the root lives until the next call.
  /// Errors: invalid_argument (not JSON, not UTF-8, a lone surrogate, too deep), unprocessable (an
  /// integer beyond 64 bits, wherever it stands). The detail ends a sentence: "the body ...".
  Result<simdjson::dom::element> parse(std::string_view part);

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  simdjson::dom::parser parser_;
};

}  // namespace playhead
