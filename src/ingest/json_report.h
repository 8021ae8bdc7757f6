// One JSON object -> one Report. Pure; nothing is allocated unless it is refused.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string_view>

#include "ingest/json_fields.h"
#include "viewing/report.h"

namespace playhead {

/// What the path of a PUT already says.
struct Addressed {
  std::string_view account, view;
};

/// Reads `object` into `out`; texts borrow from the parsed document, or from `addressed` (null: a
/// report that says all of itself). Adds its unknown members to `ignored`. False: see
/// `fields.error()`, and `out` is not to be used.
///
/// A state or kind that we do not know may be a newer client's: unprocessable, not malformed.
bool read_report(simdjson::dom::object object, const Addressed* addressed, FieldReader& fields,
                 Report& out, std::uint64_t& ignored);

}  // namespace playhead
