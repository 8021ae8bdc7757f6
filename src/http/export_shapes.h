// Records of an export as JSON; an import reads them back (ingest/import_json.h). Pure.
#pragma once

#include "http/json_out.h"
#include "record/stored.h"
#include "store/archive.h"

namespace playhead {

/// All that is held of a view. What is absent was never told, or is as the rest says.
void write_export(JsonOut& json, std::string_view account, const StoredView& view);
/// All that is held of a profile's title.
void write_export(JsonOut& json, std::string_view account, const TitleRow& row);

}  // namespace playhead
