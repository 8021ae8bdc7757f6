// An answer before it is bytes, and its bytes. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/caller.h"
#include "service/service.h"

namespace playhead {

/// Events that follow an answer's head until one side closes.
struct EventStream {
  std::unique_ptr<Subscription> subscription;
  std::shared_ptr<const Caller> caller;  ///< decides what is redacted
};

/// One answer. `content_type` and `allow` point to text that lives for ever.
struct Reply {
  unsigned status = 200;
  std::string_view content_type;  ///< empty: there is no body
  std::string body;
  std::string_view allow;  ///< 405 and OPTIONS: methods
  std::string headers;     ///< further lines, each with its CR LF
  std::unique_ptr<EventStream> stream;
  bool cacheable = false;  ///< else `Cache-Control: no-store`
  bool is_page = false;    ///< it has a Content-Security-Policy of its own
  bool close = false;      ///< the connection can't be trusted or used any more
  std::string whole;       ///< if not empty: all bytes of the answer, as another node gave them
};

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kNdjson = "application/x-ndjson";
inline constexpr std::string_view kProblemJson = "application/problem+json";
inline constexpr std::string_view kCsv = "text/csv; charset=utf-8";
inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
/// A line of `headers`: of what this node's journal alone has, because the store was away.
inline constexpr std::string_view kUnstored = "Playhead-Unstored: true\r\n";
inline constexpr std::string_view kEventStream = "text/event-stream";

/// What the request and its connection add to an answer.
struct Frame {
  std::string_view date;    ///< as HTTP has it
  std::string_view origin;  ///< to be allowed by CORS; empty: none
  bool secure = false;      ///< under TLS
  bool http10 = false;
  bool keep_alive = true;  ///< the connection stays open
  bool head = false;       ///< HEAD: everything but the body
};

/// Appends the bytes of `reply`. One with a stream has neither body nor length.
void render(std::string& out, const Reply& reply, const Frame& frame);

/// "HTTP/1.1 204 No Content", with CR LF; for statuses that the product knows.
std::string_view status_line(unsigned status);

/// `unix_s` as "Tue, 24 Nov 2026 08:16:42 GMT". Source: RFC 9110, 5.6.7.
std::string http_date(std::int64_t unix_s);

}  // namespace playhead
