// Request targets: path segments, ids, query parameters. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// `text` with each %XX replaced by its byte. Nothing if an escape is broken or stands for NUL.
std::optional<std::string> percent_decode(std::string_view text);

/// The id in a path segment. Errors: invalid_argument; also for "." and "..", which clients and
/// proxies resolve in ways of their own.
Result<std::string> id_of_segment(std::string_view segment);

/// The parameters behind the question mark, decoded. Unknown ones are nobody's concern.
class Query {
 public:
  /// Errors: invalid_argument (a broken escape, or more than kParametersMax).
  static Result<Query> parse(std::string_view text);

  /// Each of these: nothing if the parameter is absent; invalid_argument if it is repeated or is
  /// not what is asked for.
  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<std::optional<std::string>> id(std::string_view name) const;
  Result<std::optional<Instant>> time(std::string_view name) const;
  Result<bool> flag(std::string_view name) const;  ///< "true", "false" or absent: false

  /// All values of a parameter that may be repeated, each an id.
  Result<std::vector<std::string>> ids(std::string_view name, std::size_t max) const;

  /// `limit`: 1 to 100, 20 when absent.
  Result<std::size_t> limit() const;
  /// `limit`: 1 to `max`, `max` when absent.
  Result<std::size_t> limit(std::size_t max) const;

  /// "?…" with all parameters but `name`, and `name` with `value`: the same question, one changed.
  /// A token is left out: answers show none.
  std::string with(std::string_view name, std::string_view value) const;

  static constexpr std::size_t kParametersMax = 128;
  static constexpr std::string_view kTokenParameter = "access_token";

 private:
  Result<std::size_t> number_up_to(std::size_t max, std::size_t otherwise) const;

  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace playhead
