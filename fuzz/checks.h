// What holds for every report that a parser gives, whatever it was fed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/ids.h"
#include "ingest/json_fields.h"
#include "record/frame.h"
#include "viewing/report.h"

namespace playhead::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::string bytes_of(const Report& report) {
  std::string out;
  encode(out, report);
  return out;
}

/// Ids are ids, numbers are in their ranges, and the report survives its way to another shard.
inline void check(const Report& report) {
  for (const std::string_view id : {report.account, report.profile, report.title, report.view})
    PLAYHEAD_ASSERT(is_id(id));
  for (const std::string_view id :
       {report.series, report.next_title, report.device, report.device_type})
    PLAYHEAD_ASSERT(id.empty() || is_id(id));
  for (const auto& span : {report.playhead, report.duration, report.credits, report.watched})
    PLAYHEAD_ASSERT(!span || (*span >= 0 && *span <= kJsonIntegerMax));
  const std::string bytes = bytes_of(report);
  std::string_view rest = bytes;
  const auto back = decode_report(rest);
  PLAYHEAD_ASSERT(back.has_value() && rest.empty() && bytes_of(*back) == bytes);
}

}  // namespace playhead::fuzz
