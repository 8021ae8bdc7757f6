// JSON bodies -> Reports, acts, queries: the only reader of untrusted JSON. Pure; stack and memory
// are bounded whatever the input. One parser a thread; it keeps its memory from body to body.
//
// Strict where a lax reader could be made to disagree with another: valid UTF-8, no duplicate keys,
// no lone surrogates, integers as integers. Lax where versions mix: unknown fields are counted.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/options.h"
#include "ingest/parsed.h"
#include "viewing/title.h"

namespace playhead {

/// How a body of reports is laid out. kAny: by its looks, as beacons' text/plain can't say.
enum class ReportsLayout : std::uint8_t { kJson, kNdjson, kAny };

/// Acts on titles of one profile. Texts borrow like those of Reports. Times are as sent.
struct Acts {
  std::vector<TitleAct> acts;
  std::uint64_t ignored = 0;
};

/// `POST .../terminate`. `reason` is for logs only.
struct Termination {
  std::string_view reason, by_device;  ///< either may be empty
};

class JsonParser {
 public:
  explicit JsonParser(IngestOptions options);
  ~JsonParser();

  /// One report, an array of them, or one a line.
  std::expected<const Reports*, BodyError> reports(std::string_view body, ReportsLayout layout);

  /// The body of `PUT .../views/{view}`: a report that leaves out account and view (if it names
  /// them, they must be these).
  std::expected<Report, BodyError> put(std::string_view body, std::string_view account,
                                       std::string_view view);

  /// An array of {"title", "at", "playhead_ms"?, "watched"?, "hidden"?}, each with at least one of
  /// the three. All or nothing: one bad act refuses the body.
  std::expected<const Acts*, BodyError> acts(std::string_view body);

  /// {"titles": [...]}, in order, repeats left out.
  std::expected<std::vector<std::string>, BodyError> titles(std::string_view body);

  /// {"reason"?, "by_device"?}; an empty body is an empty object.
  std::expected<Termination, BodyError> termination(std::string_view body);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace playhead
