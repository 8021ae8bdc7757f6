// History in the columns of Netflix's own viewing-activity download.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/task.h"
#include "service/service.h"

namespace playhead {

inline constexpr std::string_view kCsvHeadings =
    "Profile Name,Start Time,Duration,Attributes,Title,Supplemental Video Type,Device Type,"
    "Bookmark,Latest Bookmark,Country\r\n";

/// Rows for `items` of the profile's history; which holds a title's latest bookmark is looked up.
Task<Result<std::string>> csv_rows(Service& service, ProfileRef profile,
                                   std::vector<HistoryItem> items);

/// The header line that says where the next page is.
std::string next_link(std::string_view target);

}  // namespace playhead
