// What comes from elsewhere: records to import, tables, Netflix's rows, Trakt's items. The first
// byte says which.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/ids.h"
#include "ingest/csv.h"
#include "ingest/foreign.h"
#include "ingest/import_json.h"
#include "viewing/title.h"

namespace playhead {
namespace {

// Every record that is taken becomes a view that has ended, or a row whose merge settles at once.
void read_records(std::string_view body, bool lines) {
  ImportParser parser({.account = "", .origin = "fuzz"});
  if (parser.begin(body, lines, 100)) return;
  while (const auto record = parser.next()) {
    if (!*record) continue;
    if (const auto* in = std::get_if<ImportedView>(&**record)) {
      const View view = view_of(*in, {});
      PLAYHEAD_ASSERT(is_id(in->account) && is_id(in->title) &&
                      !(view.finished() && in->started_at == kNever));
      (void)contribution(view, {.view = in->view});
    } else {
      TitleState state = contribution(std::get<ImportedTitle>(**record));
      const TitleState once = state;
      state.merge(once);
      PLAYHEAD_ASSERT(state == once);
    }
  }
}

// A table read from any of its rows goes on as it would have.
void read_table(std::string_view text) {
  CsvReader reader(text);
  std::vector<std::string> fields, again;
  std::optional<NetflixColumns> columns;
  for (std::size_t rows = 0; rows < 1'000; ++rows) {
    CsvReader other(text, reader.offset(), reader.next_line());
    const auto row = reader.next(fields);
    PLAYHEAD_ASSERT(other.next(again) == row && again == fields && other.line() == reader.line());
    if (row == CsvReader::Row::kEnd) break;
    if (row == CsvReader::Row::kWrong) continue;
    if (!columns) {
      if (auto found = NetflixColumns::of(fields)) columns = *found;
      continue;
    }
    if (const auto view = columns->row(fields, DateOrder::kDayFirst))
      PLAYHEAD_ASSERT(is_id(id_of_name(view->title)) && view->ended_at >= view->started_at);
  }
}

void read_trakt(std::string_view text) {
  if (const auto items = trakt_items(text))
    for (const std::string& item : *items)
      if (const auto view = trakt_item(item)) PLAYHEAD_ASSERT(is_id(view->title));
}

}  // namespace
}  // namespace playhead

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 4) {
    case 0:
      playhead::read_records(rest, true);
      break;
    case 1:
      playhead::read_records(rest, false);
      break;
    case 2:
      playhead::read_table(rest);
      break;
    default:
      playhead::read_trakt(rest);
  }
  return 0;
}
