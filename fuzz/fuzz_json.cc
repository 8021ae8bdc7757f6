// Every reader of JSON bodies: what is taken is valid and complete, a second reading gives the
// same, and a report is the same alone, in an array and on a line.
#include <algorithm>
#include <vector>

#include "checks.h"
#include "ingest/json.h"

namespace playhead::fuzz {
namespace {

constexpr IngestOptions kOptions{.batch_reports_max = 8, .acts_max = 4, .titles_max = 4};

// What a body gave, owned.
struct Outcome {
  bool taken = false;
  bool batch = false;
  BodyError::Kind kind{};
  std::uint64_t ignored = 0;
  std::string error;
  std::vector<std::string> reports;
  std::vector<std::pair<std::uint32_t, std::string>> rejected;
  std::vector<std::uint32_t> places;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(JsonParser& parser, std::string_view body, ReportsLayout layout) {
  const auto result = parser.reports(body, layout);
  Outcome out;
  if (!result) {
    out.kind = result.error().kind;
    out.error = result.error().detail;
    PLAYHEAD_ASSERT(!out.error.empty());
    return out;
  }
  const Reports& got = **result;
  out.taken = true;
  out.batch = got.batch;
  out.ignored = got.ignored;
  out.places = got.places;
  for (const Report& report : got.reports) {
    check(report);
    PLAYHEAD_ASSERT(!report.cmcd);
    out.reports.push_back(bytes_of(report));
  }
  for (const BadReport& bad : got.rejected) {
    PLAYHEAD_ASSERT(bad.error.code == Errc::kInvalidArgument ||
                    bad.error.code == Errc::kUnprocessable);
    out.rejected.emplace_back(bad.index, bad.error.detail);
  }
  return out;
}

// Each report of the body is taken or rejected, once, and its place is known.
void check_places(const Outcome& out) {
  const std::size_t count = out.reports.size() + out.rejected.size();
  PLAYHEAD_ASSERT(out.batch ? count <= kOptions.batch_reports_max : count == 1);
  PLAYHEAD_ASSERT(out.batch || out.rejected.empty());
  PLAYHEAD_ASSERT(out.places.size() == (out.rejected.empty() ? 0 : out.reports.size()));
  std::vector<std::uint32_t> all = out.places;
  for (const auto& [index, detail] : out.rejected) all.push_back(index);
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) PLAYHEAD_ASSERT(all[i] == i);
}

// `body` gave one report by itself: so must it in a batch.
void check_in_batches(JsonParser& parser, std::string_view body, const Outcome& alone) {
  const std::string text(body);
  const Outcome array = outcome_of(parser, "[" + text + "," + text + "]", ReportsLayout::kJson);
  PLAYHEAD_ASSERT(array.taken && array.batch && array.reports.size() == 2);
  PLAYHEAD_ASSERT(array.reports[0] == alone.reports[0] && array.reports[1] == alone.reports[0]);
  PLAYHEAD_ASSERT(array.ignored == 2 * alone.ignored);
  if (body.find('\n') != std::string_view::npos) return;
  const Outcome lines = outcome_of(parser, text + "\n" + text, ReportsLayout::kNdjson);
  PLAYHEAD_ASSERT(lines.reports == array.reports && lines.ignored == array.ignored);
}

void read_all(std::string_view body) {
  static JsonParser parser{kOptions};  // keeps its memory, as in the server
  for (const ReportsLayout layout :
       {ReportsLayout::kJson, ReportsLayout::kNdjson, ReportsLayout::kAny}) {
    const Outcome out = outcome_of(parser, body, layout);
    if (out.taken) check_places(out);
    PLAYHEAD_ASSERT(out == outcome_of(parser, body, layout));
    JsonParser fresh{kOptions};
    PLAYHEAD_ASSERT(out == outcome_of(fresh, body, layout));
    if (out.taken && layout == ReportsLayout::kJson && !out.batch)
      check_in_batches(parser, body, out);
  }
  if (const auto report = parser.put(body, "account", "view")) {
    check(*report);
    PLAYHEAD_ASSERT(report->account == "account" && report->view == "view");
  }
  if (const auto acts = parser.acts(body)) {
    PLAYHEAD_ASSERT((*acts)->acts.size() <= kOptions.acts_max);
    for (const TitleAct& act : (*acts)->acts) {
      PLAYHEAD_ASSERT(is_id(act.title) && (act.playhead || act.watched || act.hidden));
      PLAYHEAD_ASSERT(!act.playhead || (*act.playhead >= 0 && *act.playhead <= kJsonIntegerMax));
    }
  }
  if (const auto titles = parser.titles(body)) {
    PLAYHEAD_ASSERT(titles->size() <= kOptions.titles_max);
    PLAYHEAD_ASSERT(std::ranges::all_of(*titles, is_id));
  }
  if (const auto termination = parser.termination(body))
    PLAYHEAD_ASSERT(termination->by_device.empty() || is_id(termination->by_device));
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::read_all(playhead::fuzz::text_of(data, size));
  return 0;
}
