// The contract, and the page that shows it. All of it is in the binary (cmake/Embed.cmake), and the
// page may load and ask this server only.
#include "http/handlers.h"
#include "http/problem.h"

// NOLINTBEGIN(readability-identifier-naming): the names are made by cmake/Embed.cmake
extern "C" {
extern const char playhead_embedded_docs_page_begin[], playhead_embedded_docs_page_end[];
extern const char playhead_embedded_openapi_begin[], playhead_embedded_openapi_end[];
extern const char playhead_embedded_rapidoc_begin[], playhead_embedded_rapidoc_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace playhead {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kJavaScript = "text/javascript; charset=utf-8";
constexpr std::string_view kYaml = "application/yaml";

// RapiDoc's elements carry `style` attributes, hence the one exception; scripts have none.
constexpr std::string_view kPolicy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n";

Reply file_reply(std::string_view type, const char* begin, const char* end) {
  return {.content_type = type, .body = std::string(begin, end)};
}

}  // namespace

Task<Reply> get_docs(Request) {
  Reply reply =
      file_reply(kHtml, playhead_embedded_docs_page_begin, playhead_embedded_docs_page_end);
  reply.headers = kPolicy;
  reply.is_page = true;
  co_return reply;
}

Task<Reply> get_docs_file(Request request) {
  if (request.name != "rapidoc-min.js")
    co_return problem(problems::kNotFound, "the page has no such part");
  // Only browsers ask for it, and each of them takes gzip.
  Reply reply =
      file_reply(kJavaScript, playhead_embedded_rapidoc_begin, playhead_embedded_rapidoc_end);
  reply.headers = "Content-Encoding: gzip\r\n";
  co_return reply;
}

Task<Reply> get_openapi(Request) {
  co_return file_reply(kYaml, playhead_embedded_openapi_begin, playhead_embedded_openapi_end);
}

}  // namespace playhead
