// From the members of a line to a Report. Unknown keys are nobody's concern; a known key with a
// senseless value counts as absent (and as `ignored`), unless the record is nothing without it.
#include "ingest/cmcd.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/ids.h"
#include "ingest/cmcd_line.h"
#include "ingest/texts.h"

namespace playhead {
namespace {

using ValueKind = CmcdValue::Kind;

constexpr std::int64_t kVersion = 2;
constexpr std::int64_t kAtMsMax = 253402300799999;          // 9999-12-31T23:59:59.999Z
constexpr std::int64_t kLivePlayheadMin = 100'000'000'000;  // above: an epoch, not an offset

// What a line says of the keys that we use. A key that is repeated counts as its last occurrence.
struct Record {
  std::string_view event;
  CmcdValue view, title, account, profile, device;
  std::optional<std::int64_t> at, version;
  std::optional<Playhead> playhead;
  std::uint32_t sequence = 0;
  State state = State::kKeep;
  bool live_stream = false, live_latency = false;
  std::uint64_t ignored = 0;
};

std::optional<State> state_of(const CmcdValue& sta) {
  if (!sta.is_text() || sta.text.size() != 1) return std::nullopt;
  switch (sta.text.front()) {
    case 's':
    case 'd':
      return State::kStarting;
    case 'p':
      return State::kPlaying;
    case 'k':
      return State::kSeeking;
    case 'r':
    case 'w':
      return State::kRebuffering;
    case 'a':
      return State::kPaused;
    case 'e':
      return State::kCompleted;
    case 'f':
      return State::kFailed;
    case 'q':
      return State::kStopped;
    default:
      return std::nullopt;
  }
}

// A fraction is cut: refusing it would lose a position, and nobody would see the refusal.
std::optional<std::int64_t> integer_of(const CmcdValue& value, std::int64_t max) {
  if (value.kind != ValueKind::kNumber || value.integer < 0 || value.integer > max)
    return std::nullopt;
  return value.integer;
}

void note_custom(std::string_view key, const CmcdValue& value, Record& record) {
  if (key.ends_with("-account")) record.account = value;
  if (key.ends_with("-profile")) record.profile = value;
  if (key.ends_with("-device")) record.device = value;
}

void note(std::string_view key, const CmcdValue& value, Record& record) {
  const auto sensible = [&](bool good) { record.ignored += good ? 0 : 1; };
  if (key == "e") {
    record.event = value.is_text() ? value.text : std::string_view();
  } else if (key == "ts") {
    record.at = integer_of(value, kAtMsMax);
  } else if (key == "v") {
    record.version = integer_of(value, kVersion);
  } else if (key == "sid") {
    record.view = value;
  } else if (key == "cid") {
    record.title = value;
  } else if (key == "sn") {
    const auto sequence = integer_of(value, std::numeric_limits<std::uint32_t>::max());
    record.sequence = static_cast<std::uint32_t>(sequence.value_or(0));
    sensible(sequence.has_value());
  } else if (key == "pt") {
    record.playhead = integer_of(value, kCmcdIntegerMax);
    sensible(record.playhead.has_value());
  } else if (key == "sta") {
    const auto state = state_of(value);
    record.state = state.value_or(State::kKeep);
    sensible(state.has_value());
  } else if (key == "st") {
    record.live_stream = value.text == "l" || value.text == "ll";
  } else if (key == "ltc") {
    record.live_latency = value.kind == ValueKind::kNumber;
    sensible(record.live_latency);
  } else if (key.size() > 7) {
    note_custom(key, value, record);
  }
}

enum class Reading : std::uint8_t { kRecord, kUnused, kBroken };

// `rr` is most of the traffic and says nothing of a view: its line is left at once, at the first
// `e` (a second one, which RFC 8941 would let win, is not waited for).
Reading read(std::string_view line, Record& record) {
  CmcdLine members(line);
  std::string_view key;
  CmcdValue value;
  while (members.next(key, value)) {
    note(key, value, record);
    if (record.event == "rr") return Reading::kUnused;
  }
  return members.broken() ? Reading::kBroken : Reading::kRecord;
}

// The text of a string without its escapes, or of a token.
template <typename Take>
void each_byte(const CmcdValue& value, Take take) {
  const std::string_view text = value.text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (value.kind == ValueKind::kString && text[i] == '\\' && i + 1 < text.size()) ++i;
    take(text[i]);
  }
}

// A text as an id: bytes outside the alphabet become ~XX. Nothing if it is empty or too long then.
std::string_view escaped_id(const CmcdValue& value, Texts& texts) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (!value.is_text()) return {};
  std::array<char, kIdBytesMax + 3> out;
  std::size_t size = 0;
  each_byte(value, [&](char c) {
    if (size > kIdBytesMax) return;
    if (is_id_byte(c)) {
      out[size++] = c;
      return;
    }
    const auto byte = static_cast<unsigned char>(c);
    out[size++] = '~';
    out[size++] = kHex[byte >> 4];
    out[size++] = kHex[byte & 15];
  });
  return size > kIdBytesMax ? std::string_view() : texts.keep({out.data(), size});
}

// Who it is must be said exactly: an account is the same one in CMCD, in JSON and in a path.
std::string_view exact_id(std::string_view known, const CmcdValue& said, Texts& texts,
                          std::uint64_t& ignored) {
  if (!known.empty()) return known;
  if (said.kind == ValueKind::kNone) return {};
  if (said.is_text() && is_id(said.text)) return texts.keep(said.text);
  ++ignored;
  return {};
}

std::optional<Report> report_of(Record& record, const CmcdOrigin& origin, Texts& texts) {
  if (record.event.empty() || !record.at || record.version != kVersion) return std::nullopt;
  Report out;
  out.view = escaped_id(record.view, texts);
  out.title = escaped_id(record.title, texts);
  out.account = exact_id(origin.account, record.account, texts, record.ignored);
  out.profile = exact_id(origin.profile, record.profile, texts, record.ignored);
  if (out.view.empty() || out.title.empty() || out.account.empty() || out.profile.empty())
    return std::nullopt;
  out.device = exact_id(origin.device, record.device, texts, record.ignored);
  out.at = {*record.at};
  out.sequence = record.sequence;
  out.state = record.state;
  out.cmcd = true;
  const bool live =
      record.live_stream || record.live_latency || record.playhead.value_or(0) > kLivePlayheadMin;
  out.kind = live ? Kind::kLive : Kind::kOnDemand;
  if (!live) out.playhead = record.playhead;
  return out;
}

}  // namespace

struct CmcdParser::Memory {
  explicit Memory(IngestOptions o) : options(o) {}

  IngestOptions options;
  Texts texts;
  Reports reports;
};

CmcdParser::CmcdParser(IngestOptions options) : memory_(std::make_unique<Memory>(options)) {}
CmcdParser::~CmcdParser() = default;

const Reports& CmcdParser::reports(std::string_view body, const CmcdOrigin& origin) {
  Reports& out = memory_->reports;
  out.reports.clear();
  out.ignored = 0;
  out.dropped = 0;
  out.batch = true;
  memory_->texts.reset(3 * body.size());  // at worst, every byte is escaped

  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;

    Record record;
    const Reading reading = read(line, record);
    if (reading == Reading::kUnused) {
      ++out.ignored;
      continue;
    }
    std::optional<Report> report;
    if (reading == Reading::kRecord && out.reports.size() < memory_->options.batch_reports_max)
      report = report_of(record, origin, memory_->texts);
    if (!report) {
      ++out.dropped;
      continue;
    }
    out.ignored += record.ignored;
    out.reports.push_back(*report);
  }
  return out;
}

}  // namespace playhead
