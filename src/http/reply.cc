// Status lines and headers.
#include "http/reply.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace playhead {
namespace {

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  out.append(digits, end);
}

// RFC 6797, 7.1: on each answer under TLS, and on no other. A year.
constexpr std::string_view kOnlyByTls = "Strict-Transport-Security: max-age=31536000\r\n";

// What a browser may do with a body: take it for what it says, show it in no page, run nothing of
// it, and name its address to nobody. Pages that may call (cors_origins) are not touched by these.
constexpr std::string_view kOfABody =
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";
constexpr std::string_view kNoPage =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

}  // namespace

std::string_view status_line(unsigned status) {
  struct Line {
    unsigned status;
    std::string_view text;
  };
  static constexpr std::array kLines = {
      Line{200, "HTTP/1.1 200 OK\r\n"},
      Line{201, "HTTP/1.1 201 Created\r\n"},
      Line{204, "HTTP/1.1 204 No Content\r\n"},
      Line{206, "HTTP/1.1 206 Partial Content\r\n"},
      Line{307, "HTTP/1.1 307 Temporary Redirect\r\n"},
      Line{308, "HTTP/1.1 308 Permanent Redirect\r\n"},
      Line{400, "HTTP/1.1 400 Bad Request\r\n"},
      Line{401, "HTTP/1.1 401 Unauthorized\r\n"},
      Line{403, "HTTP/1.1 403 Forbidden\r\n"},
      Line{404, "HTTP/1.1 404 Not Found\r\n"},
      Line{405, "HTTP/1.1 405 Method Not Allowed\r\n"},
      Line{406, "HTTP/1.1 406 Not Acceptable\r\n"},
      Line{408, "HTTP/1.1 408 Request Timeout\r\n"},
      Line{409, "HTTP/1.1 409 Conflict\r\n"},
      Line{410, "HTTP/1.1 410 Gone\r\n"},
      Line{411, "HTTP/1.1 411 Length Required\r\n"},
      Line{413, "HTTP/1.1 413 Content Too Large\r\n"},
      Line{414, "HTTP/1.1 414 URI Too Long\r\n"},
      Line{415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
      Line{416, "HTTP/1.1 416 Range Not Satisfiable\r\n"},
      Line{417, "HTTP/1.1 417 Expectation Failed\r\n"},
      Line{422, "HTTP/1.1 422 Unprocessable Content\r\n"},
      Line{429, "HTTP/1.1 429 Too Many Requests\r\n"},
      Line{431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
      Line{500, "HTTP/1.1 500 Internal Server Error\r\n"},
      Line{501, "HTTP/1.1 501 Not Implemented\r\n"},
      Line{503, "HTTP/1.1 503 Service Unavailable\r\n"},
      Line{505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
  };
  for (const Line& line : kLines)
    if (line.status == status) return line.text;
  return status_line(500);
}

std::string http_date(std::int64_t unix_s) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = unix_s;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const int length = std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                   kMonths[static_cast<std::size_t>(parts.tm_mon)],
                                   parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text, static_cast<std::size_t>(length)};
}

void render(std::string& out, const Reply& reply, const Frame& frame) {
  const bool keep = frame.keep_alive && !reply.close && !reply.stream;
  out += status_line(reply.status);
  ((out += "Date: ") += frame.date) += "\r\n";
  if (!keep)
    out += "Connection: close\r\n";
  else if (frame.http10)
    out += "Connection: keep-alive\r\n";
  if (frame.secure) out += kOnlyByTls;
  if (!frame.origin.empty())
    ((out += "Access-Control-Allow-Origin: ") += frame.origin) +=
        "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: Playhead-Next-Report-Ms, "
        "Playhead-Accepted, Playhead-Unstored, Retry-After, Link\r\n";
  if (!reply.allow.empty()) ((out += "Allow: ") += reply.allow) += "\r\n";
  out += reply.headers;
  if (!reply.cacheable && reply.status != 204) out += "Cache-Control: no-store\r\n";
  if (!reply.content_type.empty()) {
    ((out += "Content-Type: ") += reply.content_type) += "\r\n";
    out += kOfABody;
    if (!reply.is_page) out += kNoPage;
  }
  if (!reply.stream && reply.status != 204) {
    out += "Content-Length: ";
    append_number(out, reply.body.size());
    out += "\r\n";
  }
  out += "\r\n";
  if (!frame.head && !reply.stream && reply.status != 204) out += reply.body;
}

}  // namespace playhead
