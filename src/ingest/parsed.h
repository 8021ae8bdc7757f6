// What the parsers of untrusted bodies give: reports that can be submitted as they are, and what
// was wrong with the others.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/result.h"
#include "viewing/report.h"

namespace playhead {

/// Why a body was refused as a whole. `detail` names the place (line, index, field) and never
/// repeats more than an id of what was sent.
struct BodyError {
  enum class Kind : std::uint8_t {
    kMalformed,      ///< can't be understood: 400
    kUnprocessable,  ///< understood, but a value is missing or out of range: 422
    kTooMany,        ///< more reports than the limit: 413
  } kind = Kind::kMalformed;
  std::string detail;
};

/// One report that was not taken. Its code is kInvalidArgument (400) or kUnprocessable (422).
struct BadReport {
  std::uint32_t index = 0;  ///< in the body, from 0
  Error error;
};

/// The reports of one body. Texts borrow from the parser: they live until its next call.
struct Reports {
  std::vector<Report> reports;
  std::vector<std::uint32_t> places;  ///< of each report in the body; empty: in order, none missing
  std::vector<BadReport> rejected;
  std::uint64_t ignored = 0;  ///< unknown or senseless fields of accepted reports
  std::uint64_t dropped = 0;  ///< CMCD: records that were dropped
  bool batch = false;         ///< an array or lines: rejections are listed by index
};

}  // namespace playhead
