// The framing guard: one request's head out of a connection's bytes, or why the connection must
// close. Strict where Beast 1.81 is lax, because whoever disagrees with a proxy about where a
// request ends can be made to answer the wrong client. Pure; nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/options.h"

namespace playhead {

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kPatch,
  kDelete,
  kOptions,
  kOther,    ///< a standard one, but on no route: TRACE, CONNECT, QUERY
  kUnknown,  ///< none of these: 501
};

std::string_view name_of(Method method);

/// A request without its body. Texts borrow from the bytes it was parsed from; absent headers are
/// empty.
struct Head {
  std::string_view target, host, content_type, content_encoding, accept, authorization, origin,
      range, request_method;  ///< request_method: Access-Control-Request-Method
  std::uint32_t bytes = 0;    ///< of the head, its empty line included
  std::uint32_t length = 0;   ///< of the body
  Method method = Method::kUnknown;
  bool has_length = false;
  bool keep_alive = false;
  bool http10 = false;
  bool expects_continue = false;
  bool has_accept = false, has_content_encoding = false;
};

/// Why a connection must close: an answer to give, without a shape of its own.
struct FramingError {
  unsigned status = 400;
  const char* detail = "";
};

struct HeadResult {
  enum class Kind : std::uint8_t { kNeedMore, kComplete, kRefused } kind = Kind::kNeedMore;
  FramingError error;
};

/// Looks for the end of a head. Kept over calls, so that a head that trickles in is read once.
class HeadScanner {
 public:
  /// Parses `bytes`, which begin with a request, into `head` when the head is complete. `bytes`
  /// may only have grown since the last call that needed more.
  HeadResult scan(std::string_view bytes, const HttpOptions& options, Head& head);

 private:
  std::size_t line_ = 0;  ///< where the line begins that has not ended yet
};

/// Bytes of empty lines before a request, which RFC 9112, 2.2 wants ignored.
std::size_t leading_empty_lines(std::string_view bytes);

}  // namespace playhead
