// CMCD bodies: what is taken is valid, every line is accounted for, line ends do not matter, and a
// body after itself gives everything twice.
#include <vector>

#include "checks.h"
#include "ingest/cmcd.h"

namespace playhead::fuzz {
namespace {

constexpr IngestOptions kOptions{.batch_reports_max = 1'000};

// What a body gave, owned.
struct Outcome {
  std::uint64_t ignored = 0, dropped = 0;
  std::vector<std::string> reports;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(CmcdParser& parser, std::string_view body, const CmcdOrigin& origin) {
  const Reports& got = parser.reports(body, origin);
  PLAYHEAD_ASSERT(got.batch && got.rejected.empty() && got.places.empty());
  Outcome out{.ignored = got.ignored, .dropped = got.dropped, .reports = {}};
  for (const Report& report : got.reports) {
    check(report);
    PLAYHEAD_ASSERT(report.cmcd && report.record && report.at.ms >= 0);
    PLAYHEAD_ASSERT(!report.duration && !report.sent_at && !report.started_at);
    PLAYHEAD_ASSERT(report.kind == Kind::kOnDemand || !report.playhead);
    if (!origin.account.empty()) PLAYHEAD_ASSERT(report.account == origin.account);
    out.reports.push_back(bytes_of(report));
  }
  return out;
}

void read_all(std::string_view body) {
  static CmcdParser parser{kOptions};  // keeps its memory, as in the server
  std::size_t lines = 1;
  for (const char c : body) lines += c == '\n' ? 1 : 0;
  if (2 * lines > kOptions.batch_reports_max) return;
  for (const CmcdOrigin& origin :
       {CmcdOrigin{}, CmcdOrigin{.account = "account", .profile = "profile", .device = "device"}}) {
    const Outcome out = outcome_of(parser, body, origin);
    PLAYHEAD_ASSERT(out.reports.size() + out.dropped <= lines);
    PLAYHEAD_ASSERT(out == outcome_of(parser, std::string(body) + "\n\r\n", origin));
    const Outcome twice = outcome_of(parser, std::string(body) + "\n" + std::string(body), origin);
    PLAYHEAD_ASSERT(twice.ignored == 2 * out.ignored && twice.dropped == 2 * out.dropped);
    PLAYHEAD_ASSERT(twice.reports.size() == 2 * out.reports.size());
    for (std::size_t i = 0; i < twice.reports.size(); ++i)
      PLAYHEAD_ASSERT(twice.reports[i] == out.reports[i % out.reports.size()]);
  }
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::read_all(playhead::fuzz::text_of(data, size));
  return 0;
}
