// Heads of requests, their targets and cursors: a head that trickles in is the head that came at
// once, what is taken keeps the guard's rules, and a cursor is only ever one of ours.
#include <algorithm>

#include "checks.h"
#include "http/cursor.h"
#include "http/guard.h"
#include "http/url.h"

namespace playhead::fuzz {
namespace {

HttpOptions options() {
  HttpOptions out;
  out.header_bytes_max = 512;  // small, so that the limits are reached
  out.target_bytes_max = 128;
  out.body_bytes_max = 4096;
  return out;
}

void check_target(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (const auto id = id_of_segment(path.substr(0, slash)))
      PLAYHEAD_ASSERT(is_id(*id) && *id != "." && *id != "..");
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  if (question == target.size()) return;
  const auto query = Query::parse(target.substr(question + 1));
  if (!query) return;
  if (const auto limit = query->limit()) PLAYHEAD_ASSERT(*limit >= 1 && *limit <= 100);
  if (const auto id = query->id("account"); id && *id) PLAYHEAD_ASSERT(is_id(**id));
  if (const auto ids = query->ids("title", 3))
    PLAYHEAD_ASSERT(ids->size() <= 3 && std::ranges::all_of(*ids, is_id));
  (void)query->time("from");
  (void)query->flag("all");
  if (const auto text = query->text("cursor"); text && *text)
    if (const auto key = read_cursor(**text, "scope"))
      PLAYHEAD_ASSERT(write_cursor("scope", *key) == **text);
}

// What the server relies on, in any head that passed.
void check_head(std::string_view bytes, const Head& head, const HttpOptions& limits) {
  PLAYHEAD_ASSERT(head.bytes >= 4 && head.bytes <= bytes.size());
  PLAYHEAD_ASSERT(head.bytes <= limits.header_bytes_max);
  PLAYHEAD_ASSERT(bytes.substr(head.bytes - 4, 4) == "\r\n\r\n");
  PLAYHEAD_ASSERT(head.target.size() <= limits.target_bytes_max && !head.target.empty());
  PLAYHEAD_ASSERT(head.length <= limits.body_bytes_max);
  PLAYHEAD_ASSERT(head.has_length || head.length == 0);
  for (const char c : head.target) PLAYHEAD_ASSERT(c > ' ' && c < 0x7f);
  for (const std::string_view text : {head.host, head.content_type, head.accept, head.authorization,
                                      head.origin, head.content_encoding})
    PLAYHEAD_ASSERT(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  check_target(head.target);
}

void check_all(std::string_view bytes) {
  static const HttpOptions limits = options();
  Head head;
  HeadScanner scanner;
  const HeadResult whole = scanner.scan(bytes, limits, head);
  if (whole.kind == HeadResult::Kind::kComplete) check_head(bytes, head, limits);
  if (whole.kind == HeadResult::Kind::kRefused)
    PLAYHEAD_ASSERT(whole.error.status >= 400 && whole.error.status < 600);

  Head slow_head;
  HeadScanner slow;
  HeadResult trickled;
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    trickled = slow.scan(bytes.substr(0, size), limits, slow_head);
    if (trickled.kind != HeadResult::Kind::kNeedMore) break;
  }
  // A line that grows too long is refused before it ends, so a refusal may come early; but what one
  // way completes, the other never takes for something else.
  const bool completed = whole.kind == HeadResult::Kind::kComplete;
  if (completed && head.method != Method::kUnknown)
    PLAYHEAD_ASSERT(trickled.kind == HeadResult::Kind::kComplete);
  if (trickled.kind == HeadResult::Kind::kComplete)
    PLAYHEAD_ASSERT(completed && slow_head.bytes == head.bytes && slow_head.length == head.length &&
                    slow_head.target == head.target && slow_head.method == head.method &&
                    slow_head.keep_alive == head.keep_alive);
  PLAYHEAD_ASSERT(leading_empty_lines(bytes) <= bytes.size());
  check_target(bytes);

  const CursorKey key{.at = {static_cast<std::int64_t>(bytes.size())}, .id = "id"};
  const std::string cursor = write_cursor(bytes, key);
  const auto back = read_cursor(cursor, bytes);
  PLAYHEAD_ASSERT(back.has_value() && *back == key);
  PLAYHEAD_ASSERT(!read_cursor(cursor, std::string(bytes) + "x").has_value());
  if (const auto forged = read_cursor(bytes, "scope"))
    PLAYHEAD_ASSERT(write_cursor("scope", *forged) == bytes);
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::check_all(playhead::fuzz::text_of(data, size));
  return 0;
}
