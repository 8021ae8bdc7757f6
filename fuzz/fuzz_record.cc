// Bytes from disk or from a peer: whatever decodes must survive encoding and decoding again. The
// first byte says what the rest is; a frame gets its checksum here, or nothing would get past it.
#include "base/hash.h"
#include "checks.h"
#include "record/bytes.h"
#include "record/inbox.h"
#include "record/stored.h"

namespace playhead::fuzz {
namespace {

template <typename Value>
std::string encoded(const Value& value) {
  std::string out;
  encode(out, value);
  return out;
}

// decode(encode(x)) == x, by its bytes, which hold every field.
void check_view(std::string_view bytes) {
  const auto view = decode_view(bytes);
  if (!view) return;
  const std::string once = encoded(*view);
  const auto back = decode_view(once);
  PLAYHEAD_ASSERT(back.has_value() && back->view == view->view && back->trail == view->trail &&
                  back->import == view->import);
  PLAYHEAD_ASSERT(back->ids.get() == view->ids.get() && encoded(*back) == once);
  PLAYHEAD_ASSERT(encoded(view->clone()) == once);
}

void check_title(std::string_view bytes) {
  const auto title = decode_title(bytes);
  if (!title) return;
  const auto back = decode_title(encoded(*title));
  PLAYHEAD_ASSERT(back.has_value() && *back == *title);
}

void check_report(std::string_view bytes) {
  std::string_view rest = bytes;
  const auto report = decode_report(rest);
  if (!report) return;
  const std::string once = bytes_of(*report);
  std::string_view again = once;
  const auto back = decode_report(again);
  PLAYHEAD_ASSERT(back.has_value() && again.empty() && bytes_of(*back) == once);
}

struct Contents {
  std::size_t heartbeats = 0, snapshots = 0, titles = 0, erasures = 0;
  friend bool operator==(const Contents&, const Contents&) = default;
};

// Reads a frame and, record by record, writes it into `copy`.
bool read(std::string_view frame, Contents& contents, std::string* copy) {
  std::optional<FrameWriter> writer;
  const auto begin = [&](const FrameHead& head) {
    if (!writer) writer.emplace(head);
  };
  FrameVisitor visitor;
  visitor.heartbeat = [&](const FrameHead& head, const Heartbeat& heartbeat) -> Result<void> {
    begin(head);
    writer->heartbeat(heartbeat);
    ++contents.heartbeats;
    return {};
  };
  visitor.snapshot = [&](const FrameHead& head, Snapshot&& snapshot) -> Result<void> {
    begin(head);
    writer->snapshot(snapshot.number, snapshot.slot, snapshot.view);
    ++contents.snapshots;
    return {};
  };
  visitor.title = [&](const FrameHead& head, TitleDelta&& delta) -> Result<void> {
    begin(head);
    writer->title(delta);
    ++contents.titles;
    return {};
  };
  visitor.erasure = [&](const FrameHead& head, const ErasureRecord& erasure) -> Result<void> {
    begin(head);
    writer->erasure(erasure);
    ++contents.erasures;
    return {};
  };
  const bool good = read_frame(frame, visitor).has_value();
  if (good && writer && copy != nullptr) *copy = writer->finish();
  return good;
}

void check_frame(std::string_view bytes) {
  std::string frame(bytes);
  Contents broken;
  read(frame, broken, nullptr);
  put_fixed(frame, hash_bytes(frame));
  Contents first, second, third;
  std::string once, twice;
  if (!read(frame, first, &once) || once.empty()) return;
  PLAYHEAD_ASSERT(read(once, second, &twice) && first == second && once == twice);
  FrameVisitor none;
  none.wanted = [](std::uint16_t) { return false; };
  none.heartbeat = [&](const FrameHead&, const Heartbeat&) -> Result<void> {
    ++third.heartbeats;
    return {};
  };
  none.skipped = [&](const FrameHead&, std::uint32_t) { ++third.snapshots; };
  PLAYHEAD_ASSERT(read_frame(once, none).has_value());
  PLAYHEAD_ASSERT(third.heartbeats == first.heartbeats && third.snapshots == first.snapshots);
}

// What it holds is a view; the checksum is put behind it here.
void check_inbox(std::string_view bytes) {
  std::string row(bytes);
  put_fixed(row, hash_bytes(row));
  const auto view = decode_inbox(row);
  if (!view) return;
  const auto back = decode_inbox(encode_inbox(*view));
  PLAYHEAD_ASSERT(back.has_value() && encoded(*back) == encoded(*view));
}

void check_one(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string_view rest = bytes.substr(1);
  switch (bytes.front()) {
    case 'v':
      return check_view(rest);
    case 't':
      return check_title(rest);
    case 'r':
      return check_report(rest);
    case 'i':
      return check_inbox(rest);
    case 'f':
      return check_frame(rest);
    default:
      return;
  }
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::check_one(playhead::fuzz::text_of(data, size));
  return 0;
}
