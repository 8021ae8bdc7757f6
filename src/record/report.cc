// A raw report as bytes, on its way between shards.
#include "record/bytes.h"
#include "record/frame.h"

namespace playhead {
namespace {

constexpr std::uint8_t kReportFormat = 1;

enum ReportBit : std::uint16_t {
  kSentBit = 1,
  kStartedBit = 2,
  kPlayheadBit = 4,
  kDurationBit = 8,
  kCreditsBit = 16,
  kWatchedBit = 32,
  kLiveBit = 64,
  kRecordBit = 128,
  kCmcdBit = 256,
  kReportBits = 511,
};

}  // namespace

void encode(std::string& out, const Report& report) {
  out.push_back(static_cast<char>(kReportFormat));
  unsigned bits = 0;
  if (report.sent_at) bits |= kSentBit;
  if (report.started_at) bits |= kStartedBit;
  if (report.playhead) bits |= kPlayheadBit;
  if (report.duration) bits |= kDurationBit;
  if (report.credits) bits |= kCreditsBit;
  if (report.watched) bits |= kWatchedBit;
  if (report.kind == Kind::kLive) bits |= kLiveBit;
  if (report.record) bits |= kRecordBit;
  if (report.cmcd) bits |= kCmcdBit;
  put_fixed(out, static_cast<std::uint16_t>(bits));
  out.push_back(static_cast<char>(report.state));
  for (const std::string_view text :
       {report.account, report.profile, report.title, report.series, report.next_title, report.view,
        report.device, report.device_type})
    put_text(out, text);
  put_signed(out, report.at.ms);
  put_varint(out, report.sequence);
  if (report.sent_at) put_since(out, *report.sent_at, report.at);
  if (report.started_at) put_since(out, *report.started_at, report.at);
  for (const auto& span : {report.playhead, report.duration, report.credits, report.watched})
    if (span) put_signed(out, *span);
}

Result<Report> decode_report(std::string_view& bytes) {
  Reader in(bytes);
  if (in.fixed<std::uint8_t>() != kReportFormat)
    return fail(Errc::kCorrupt, "a report of no known format");
  Report report;
  const auto bits = in.fixed<std::uint16_t>();
  if ((bits & ~kReportBits) != 0) in.fail();
  report.state = in.value_of(State::kKeep);
  for (std::string_view* text :
       {&report.account, &report.profile, &report.title, &report.series, &report.next_title,
        &report.view, &report.device, &report.device_type})
    *text = in.text(kIdBytesMax);
  report.at = {in.integer()};
  report.sequence = in.narrow<std::uint32_t>();
  if ((bits & kSentBit) != 0) report.sent_at = in.since(report.at);
  if ((bits & kStartedBit) != 0) report.started_at = in.since(report.at);
  if ((bits & kPlayheadBit) != 0) report.playhead = in.integer();
  if ((bits & kDurationBit) != 0) report.duration = in.integer();
  if ((bits & kCreditsBit) != 0) report.credits = in.integer();
  if ((bits & kWatchedBit) != 0) report.watched = in.integer();
  report.kind = (bits & kLiveBit) != 0 ? Kind::kLive : Kind::kOnDemand;
  report.record = (bits & kRecordBit) != 0;
  report.cmcd = (bits & kCmcdBit) != 0;
  if (!in.ok()) return fail(Errc::kCorrupt, "a report is cut short or damaged");
  bytes = in.rest();
  return report;
}

}  // namespace playhead
