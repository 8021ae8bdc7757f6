// Line structure by hand, tokens by Beast, then the rules that Beast does not have.
#include "http/guard.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "base/assert.h"

namespace playhead {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;

std::string_view view_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool equal_caseless(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

Method method_of(beast_http::verb verb, std::string_view name) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::kGet;
    case beast_http::verb::head:
      return Method::kHead;
    case beast_http::verb::post:
      return Method::kPost;
    case beast_http::verb::put:
      return Method::kPut;
    case beast_http::verb::patch:
      return Method::kPatch;
    case beast_http::verb::delete_:
      return Method::kDelete;
    case beast_http::verb::options:
      return Method::kOptions;
    case beast_http::verb::trace:
    case beast_http::verb::connect:
      return Method::kOther;
    default:
      // Younger than Beast.
      return name == "QUERY" ? Method::kOther : Method::kUnknown;
  }
}

/// What may stand in a Host: a name or address, and a port. RFC 3986, 3.2.2.
bool is_host(std::string_view text) {
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      (c != '\0' && std::strchr("-._~%!$&'()*+;=:[]", c) != nullptr);
    if (!good) return false;
  }
  return true;
}

/// Takes what Beast finds in a head, and notes the first thing wrong with it.
class HeadParser final : public beast_http::basic_parser<true> {
 public:
  HeadParser(const HttpOptions& options, Head& head) : options_(options), head_(head) {
    header_limit(options.header_bytes_max + 1);
    body_limit(boost::none);  // ours, below
  }

  FramingError refusal;
  bool refused = false;

  void check_whole() {
    if (!head_.http10 && !has_host_) refuse(400, "an HTTP/1.1 request needs a Host header");
    if (head_.length > options_.body_bytes_max) refuse(413, "the body is larger than is taken");
  }

 private:
  void refuse(unsigned status, const char* detail) {
    if (refused) return;
    refused = true;
    refusal = {status, detail};
  }

  /// One text for a header that must not be repeated.
  void take_once(std::string_view& into, bool& seen, std::string_view value) {
    if (std::exchange(seen, true)) refuse(400, "a header that has one value is repeated");
    into = value;
  }

  void take_length(std::string_view value) {
    if (head_.has_length) return refuse(400, "Content-Length is repeated");
    head_.has_length = true;
    std::uint64_t length = 0;
    for (const char c : value) {
      if (c < '0' || c > '9') return refuse(400, "Content-Length is not a number");
      length = length * 10 + static_cast<unsigned>(c - '0');
      if (length > UINT32_MAX) return refuse(413, "the body is larger than is taken");
    }
    if (value.empty()) refuse(400, "Content-Length is not a number");
    head_.length = static_cast<std::uint32_t>(length);
  }

  void take_expect(std::string_view value) {
    if (equal_caseless(value, "100-continue"))
      head_.expects_continue = !head_.http10;
    else
      refuse(417, "only 100-continue can be expected");
  }

  void on_request_impl(beast_http::verb verb, boost::beast::string_view method,
                       boost::beast::string_view target, int version, error_code&) override {
    head_.method = method_of(verb, view_of(method));
    head_.target = view_of(target);
    head_.http10 = version == 10;
    if (head_.target.size() > options_.target_bytes_max)
      return refuse(414, "the request target is longer than is taken");
    for (const char c : head_.target)
      if (c <= ' ' || c >= 0x7f)
        return refuse(400, "the request target holds a byte that must be escaped");
    const bool asterisk = head_.target == "*" && head_.method == Method::kOptions;
    if (!head_.target.starts_with('/') && !asterisk)
      refuse(400, "the request target must begin with a slash");
  }

  void on_field_impl(beast_http::field field, boost::beast::string_view,
                     boost::beast::string_view text, error_code&) override {
    const std::string_view value = view_of(text);
    switch (field) {
      case beast_http::field::host:
        if (!is_host(value)) refuse(400, "the Host header is not a host");
        return take_once(head_.host, has_host_, value);
      case beast_http::field::content_length:
        return take_length(value);
      case beast_http::field::transfer_encoding:
        return equal_caseless(value, "chunked")
                   ? refuse(411, "bodies are taken with Content-Length only")
                   : refuse(501, "bodies are taken with Content-Length only");
      case beast_http::field::expect:
        return take_expect(value);
      case beast_http::field::content_type:
        return take_once(head_.content_type, has_content_type_, value);
      case beast_http::field::content_encoding:
        return take_once(head_.content_encoding, head_.has_content_encoding, value);
      case beast_http::field::authorization:
        return take_once(head_.authorization, has_authorization_, value);
      case beast_http::field::origin:
        return take_once(head_.origin, has_origin_, value);
      case beast_http::field::range:
        return take_once(head_.range, has_range_, value);
      case beast_http::field::accept:
        // A list in several headers is rare enough to be taken as everything.
        head_.accept = std::exchange(head_.has_accept, true) ? "*/*" : value;
        return;
      case beast_http::field::access_control_request_method:
        head_.request_method = value;
        return;
      default:
        return;
    }
  }

  void on_header_impl(error_code&) override { head_.keep_alive = keep_alive(); }

  // A body never reaches Beast: it is as long as Content-Length says.
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, error_code&) override {
    return 0;
  }
  void on_finish_impl(error_code&) override {}

  const HttpOptions& options_;
  Head& head_;
  bool has_host_ = false, has_content_type_ = false, has_authorization_ = false,
       has_origin_ = false, has_range_ = false;
};

HeadResult refused(unsigned status, const char* detail) {
  return {HeadResult::Kind::kRefused, {status, detail}};
}

/// "HTTP/1.0" and "HTTP/1.1" are ours; of others, 505 tells that it was HTTP at all. HTTP/2's
/// preface is refused as what it is not.
HeadResult bad_version(std::string_view line) {
  if (line.starts_with("PRI ")) return refused(400, "HTTP/2 is not spoken here");
  const std::size_t space = line.rfind(' ');
  const std::string_view version = space == std::string_view::npos ? "" : line.substr(space + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() == 8 && version.starts_with("HTTP/") && digit(version[5]) &&
      version[6] == '.' && digit(version[7]))
    return refused(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  return refused(400, "the request line is malformed");
}

HeadResult parse(std::string_view bytes, const HttpOptions& options, Head& head) {
  head = Head{};
  HeadParser parser(options, head);
  error_code error;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (parser.refused) return {HeadResult::Kind::kRefused, parser.refusal};
  if (error == beast_http::error::bad_version)
    return bad_version(bytes.substr(0, bytes.find('\r')));
  if (error == beast_http::error::header_limit)
    return refused(431, "the headers are longer than is taken");
  if (error == beast_http::error::bad_content_length ||
      error == beast_http::error::multiple_content_length)
    return refused(400, "Content-Length is not one number");
  if (error == beast_http::error::bad_transfer_encoding)
    return refused(400, "a request has a Content-Length or a Transfer-Encoding, not both");
  if (error) return refused(400, "the request's head is malformed");
  if (!parser.is_header_done()) return refused(400, "the request's head is malformed");
  parser.check_whole();
  if (parser.refused) return {HeadResult::Kind::kRefused, parser.refusal};
  head.bytes = static_cast<std::uint32_t>(bytes.size());
  return {HeadResult::Kind::kComplete, {}};
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
    case Method::kUnknown:
      return "";
  }
  PLAYHEAD_ASSERT(false);
}

HeadResult HeadScanner::scan(std::string_view bytes, const HttpOptions& options, Head& head) {
  // A line at a time: each ends with CRLF, none goes on from the one before, the empty one is last.
  while (true) {
    const std::string_view rest = bytes.substr(line_);
    const auto* feed = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
    if (line_ > 0 && !rest.empty() && (rest[0] == ' ' || rest[0] == '\t'))
      return refused(400, "a header goes on in a second line");
    if (feed == nullptr) break;
    const auto length = static_cast<std::size_t>(feed - rest.data());
    if (length == 0 || rest[length - 1] != '\r')
      return refused(400, "a line does not end with CR LF");
    const std::size_t end = line_ + length + 1;
    if (end > options.header_bytes_max) break;
    if (length == 1) {
      line_ = 0;
      return parse(bytes.substr(0, end), options, head);
    }
    line_ = end;
  }
  // Method and version take less than 32 bytes.
  if (line_ == 0 && bytes.size() > options.target_bytes_max + 32)
    return refused(414, "the request target is longer than is taken");
  if (bytes.size() > options.header_bytes_max)
    return refused(431, "the headers are longer than is taken");
  return {};
}

std::size_t leading_empty_lines(std::string_view bytes) {
  std::size_t count = 0;
  while (bytes.size() >= count + 2 && bytes[count] == '\r' && bytes[count + 1] == '\n') count += 2;
  return count;
}

}  // namespace playhead
