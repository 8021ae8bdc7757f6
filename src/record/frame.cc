// Frames: a head, records one after the other, a checksum. A record begins with its kind; those
// that carry ids also with their length, so that another thread's slots are skipped unread.
#include "record/frame.h"

#include "base/hash.h"
#include "record/bytes.h"

namespace playhead {
namespace {

constexpr std::uint8_t kFrameFormat = 1;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);

// The low three bits of a record's first byte. On disk: append, never renumber.
enum RecordKind : std::uint8_t { kHeartbeat = 0, kSnapshot = 1, kTitle = 2, kErasure = 3 };
constexpr unsigned kKindBits = 3;

// A heartbeat begins with 16 bits: its kind, then these.
constexpr unsigned kStateShift = 3;  // four bits
enum HeartbeatBit : std::uint16_t {
  kLateBit = 1 << 7,
  kStartedBit = 1 << 8,
  kPlayheadBit = 1 << 9,
  kDurationBit = 1 << 10,
  kCreditsBit = 1 << 11,
  kWatchedBit = 1 << 12,
  kStillBit = 1 << 13,
  kBeyondBit = 1 << 14,
  kUnknownBits = 1 << 15,
};

Result<void> damaged(std::string_view what) {
  return fail(Errc::kCorrupt, std::string(what) + " is cut short or damaged");
}

Heartbeat read_heartbeat(Reader& in, std::uint16_t bits, Instant head) {
  Heartbeat out;
  if ((bits & kUnknownBits) != 0) in.fail();
  const unsigned state = bits >> kStateShift & 0xf;
  if (state > static_cast<unsigned>(State::kKeep)) in.fail();
  Stamped& report = out.report;
  report.state = in.ok() ? static_cast<State>(state) : State::kKeep;
  out.late = (bits & kLateBit) != 0;
  report.still = (bits & kStillBit) != 0;
  report.beyond = (bits & kBeyondBit) != 0;
  out.number = in.narrow<std::uint32_t>();
  out.arrival = in.since(head);
  report.order.at = in.since(out.arrival);
  report.order.sequence = in.narrow<std::uint32_t>();
  report.order.digest = in.fixed<std::uint32_t>();
  if ((bits & kStartedBit) != 0) report.started_at = in.since(report.order.at);
  if ((bits & kPlayheadBit) != 0) report.playhead = static_cast<Playhead>(in.varint());
  if ((bits & kDurationBit) != 0) report.duration = static_cast<Millis>(in.varint());
  if ((bits & kCreditsBit) != 0)
    report.credits = wrapping_difference(report.duration.value_or(0), in.integer());
  if ((bits & kWatchedBit) != 0)
    report.watched = wrapping_sum(report.playhead.value_or(0), in.integer());
  return out;
}

Result<void> read_snapshot(Reader& in, const FrameHead& head, const FrameVisitor& visitor) {
  const auto number = in.narrow<std::uint32_t>();
  const auto slot = in.fixed<std::uint16_t>();
  const std::string_view bytes = in.text();
  if (!in.ok() || slot >= kSlots) return damaged("a snapshot");
  if (visitor.wanted && !visitor.wanted(slot)) {
    if (visitor.skipped) visitor.skipped(head, number);
    return {};
  }
  auto view = decode_view(bytes);
  if (!view) return std::unexpected(view.error());
  return visitor.snapshot(head, Snapshot{number, slot, *std::move(view)});
}

Result<void> read_title(Reader& in, const FrameHead& head, const FrameVisitor& visitor) {
  const auto slot = in.fixed<std::uint16_t>();
  const std::string_view bytes = in.text();
  if (!in.ok() || slot >= kSlots) return damaged("a title's record");
  if (visitor.wanted && !visitor.wanted(slot)) return {};
  Reader record(bytes);
  TitleDelta delta;
  for (std::string_view* id : {&delta.tenant, &delta.account, &delta.profile, &delta.title})
    *id = record.text(kIdBytesMax);
  if (!record.ok()) return damaged("a title's record");
  auto state = decode_title(record.rest());
  if (!state) return std::unexpected(state.error());
  delta.delta = *std::move(state);
  return visitor.title(head, std::move(delta));
}

Result<void> read_erasure(Reader& in, const FrameHead& head, const FrameVisitor& visitor) {
  const auto slot = in.fixed<std::uint16_t>();
  const std::string_view bytes = in.text();
  if (!in.ok() || slot >= kSlots) return damaged("an erasure's record");
  if (visitor.wanted && !visitor.wanted(slot)) return {};
  Reader record(bytes);
  ErasureRecord erasure;
  for (std::string_view* id : {&erasure.tenant, &erasure.account, &erasure.profile})
    *id = record.text(kIdBytesMax);
  erasure.through = {record.integer()};
  if (!record.ok() || !record.done()) return damaged("an erasure's record");
  return visitor.erasure(head, erasure);
}

Result<FrameHead> read_head(Reader& in) {
  FrameHead head;
  head.boot = in.fixed<std::uint64_t>();
  head.shard = in.narrow<std::uint16_t>();
  head.shards = in.narrow<std::uint16_t>();
  head.arrival = {in.integer()};
  in.text();  // the extension
  if (!in.ok()) return std::unexpected(damaged("the head of a frame").error());
  return head;
}

}  // namespace

FrameWriter::FrameWriter(const FrameHead& head) : head_(head) {
  out_.reserve(4096);
  out_.push_back(static_cast<char>(kFrameFormat));
  put_fixed(out_, head_.boot);
  put_varint(out_, head_.shard);
  put_varint(out_, head_.shards);
  put_signed(out_, head_.arrival.ms);
  put_text(out_, "");
}

void FrameWriter::heartbeat(const Heartbeat& record) {
  const Stamped& report = record.report;
  unsigned bits = kHeartbeat | static_cast<unsigned>(report.state) << kStateShift;
  char bytes[2 + 10 * kVarintBytesMax];
  char* out = bytes + 2;
  const auto put = [&](std::int64_t value) { out = write_varint(out, zigzag(value)); };
  out = write_varint(out, record.number);
  put(wrapping_difference(record.arrival.ms, head_.arrival.ms));
  put(wrapping_difference(report.order.at.ms, record.arrival.ms));
  out = write_varint(out, report.order.sequence);
  std::memcpy(out, &report.order.digest, sizeof report.order.digest);
  out += sizeof report.order.digest;
  if (record.late) bits |= kLateBit;
  if (report.still) bits |= kStillBit;
  if (report.beyond) bits |= kBeyondBit;
  if (report.started_at) {
    bits |= kStartedBit;
    put(wrapping_difference(report.started_at->ms, report.order.at.ms));
  }
  if (report.playhead) {
    bits |= kPlayheadBit;
    out = write_varint(out, static_cast<std::uint64_t>(*report.playhead));
  }
  if (report.duration) {
    bits |= kDurationBit;
    out = write_varint(out, static_cast<std::uint64_t>(*report.duration));
  }
  if (report.credits) {  // they lie close to the end
    bits |= kCreditsBit;
    put(wrapping_difference(report.duration.value_or(0), *report.credits));
  }
  if (report.watched) {
    bits |= kWatchedBit;
    put(wrapping_difference(*report.watched, report.playhead.value_or(0)));
  }
  bytes[0] = static_cast<char>(bits);
  bytes[1] = static_cast<char>(bits >> 8);
  out_.append(bytes, static_cast<std::size_t>(out - bytes));
  ++records_;
}

void FrameWriter::snapshot(std::uint32_t number, std::uint16_t slot, const StoredView& view) {
  std::string bytes;
  encode(bytes, view);
  out_.push_back(static_cast<char>(kSnapshot));
  put_varint(out_, number);
  put_fixed(out_, slot);
  put_text(out_, bytes);
  ++records_;
}

void FrameWriter::title(const TitleDelta& record) {
  std::string bytes;
  for (const std::string_view id : {record.tenant, record.account, record.profile, record.title})
    put_text(bytes, id);
  encode(bytes, record.delta);
  out_.push_back(static_cast<char>(kTitle));
  put_fixed(out_, slot_of(record.tenant, record.account));
  put_text(out_, bytes);
  ++records_;
}

void FrameWriter::erasure(const ErasureRecord& record) {
  std::string bytes;
  for (const std::string_view id : {record.tenant, record.account, record.profile})
    put_text(bytes, id);
  put_signed(bytes, record.through.ms);
  out_.push_back(static_cast<char>(kErasure));
  put_fixed(out_, slot_of(record.tenant, record.account));
  put_text(out_, bytes);
  ++records_;
}

std::string FrameWriter::finish() {
  put_fixed(out_, hash_bytes(out_));
  std::string frame = std::move(out_);
  *this = FrameWriter(head_);
  return frame;
}

Result<void> read_frame(std::string_view bytes, const FrameVisitor& visitor) {
  if (bytes.size() <= kChecksumBytes) return damaged("a frame");
  std::uint64_t checksum = 0;
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  std::memcpy(&checksum, bytes.data() + body.size(), kChecksumBytes);
  if (hash_bytes(body) != checksum) return fail(Errc::kCorrupt, "a frame fails its checksum");
  Reader in(body);
  const auto format = in.fixed<std::uint8_t>();
  if (format > kFrameFormat)
    return fail(Errc::kCorrupt, "a frame was written by a newer release (format " +
                                    std::to_string(format) + "), this one reads up to " +
                                    std::to_string(kFrameFormat));
  if (format != kFrameFormat) return fail(Errc::kCorrupt, "a frame has no known format");
  const Result<FrameHead> head = read_head(in);
  if (!head) return std::unexpected(head.error());
  if (visitor.wanted_frame && !visitor.wanted_frame(*head)) return {};
  while (!in.done()) {
    const auto first = in.fixed<std::uint8_t>();
    Result<void> read;
    switch (first & ((1U << kKindBits) - 1)) {
      case kHeartbeat: {
        const auto bits = static_cast<std::uint16_t>(first | in.fixed<std::uint8_t>() << 8);
        const Heartbeat heartbeat = read_heartbeat(in, bits, head->arrival);
        if (!in.ok()) return damaged("a heartbeat");
        read = visitor.heartbeat(*head, heartbeat);
        break;
      }
      case kSnapshot:
        read = read_snapshot(in, *head, visitor);
        break;
      case kTitle:
        read = read_title(in, *head, visitor);
        break;
      case kErasure:
        read = read_erasure(in, *head, visitor);
        break;
      default:
        read = fail(Errc::kCorrupt, "a frame holds a record of no known kind");
    }
    if (!read) return read;
  }
  return {};
}

}  // namespace playhead
