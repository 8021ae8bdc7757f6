// The console's page and its parts. They show nothing of anybody: what the page asks for is guarded
// where it is asked for.
#include "http/console.h"

#include <algorithm>
#include <array>

#include "http/handlers.h"
#include "http/problem.h"
#include "http/worker.h"

// NOLINTBEGIN(readability-identifier-naming): the names are made by cmake/Embed.cmake
extern "C" {
extern const char playhead_embedded_console_page_begin[], playhead_embedded_console_page_end[];
extern const char playhead_embedded_console_script_begin[], playhead_embedded_console_script_end[];
extern const char playhead_embedded_console_style_begin[], playhead_embedded_console_style_end[];
extern const char playhead_embedded_console_icon_begin[], playhead_embedded_console_icon_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace playhead {
namespace {

// Nothing from elsewhere, nothing inline. `blob:` is what a player that feeds a <video> itself
// needs.
constexpr std::string_view kSecurity =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Frame-Options: DENY\r\n";

std::string_view bytes_of(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// What the page can't see by itself: which of its parts this door answers, and to whom.
Reply about_reply(const Request& request) {
  const Shared& shared = request.worker->shared();
  Reply reply{.content_type = kJson, .headers = std::string(kSecurity), .is_page = true};
  JsonOut(reply.body)
      .open('{')
      .field("needs_token", shared.parts.authenticator->guards())
      .field("answers_viewing", request.listener != Listener::kOperators)
      .field("answers_operating", request.listener != Listener::kPublic)
      .close('}');
  return reply;
}

}  // namespace

std::span<const ConsoleFile> console_files() {
  static const std::array files = {
      ConsoleFile{
          "", "text/html; charset=utf-8",
          bytes_of(playhead_embedded_console_page_begin, playhead_embedded_console_page_end)},
      ConsoleFile{
          "console.js", "text/javascript; charset=utf-8",
          bytes_of(playhead_embedded_console_script_begin, playhead_embedded_console_script_end),
          true},
      ConsoleFile{
          "console.css", "text/css; charset=utf-8",
          bytes_of(playhead_embedded_console_style_begin, playhead_embedded_console_style_end),
          true},
      ConsoleFile{
          "icon.svg", "image/svg+xml",
          bytes_of(playhead_embedded_console_icon_begin, playhead_embedded_console_icon_end)},
  };
  return files;
}

Reply console_reply(const ConsoleFile& file) {
  Reply reply{.content_type = file.type,
              .body = std::string(file.bytes),
              .headers = std::string(kSecurity),
              .cacheable = true,
              .is_page = true};
  // The page names its parts by their contents (console/build.mjs), so only the page can be old.
  reply.headers += file.name.empty() ? "Cache-Control: no-cache\r\n"
                                     : "Cache-Control: public, max-age=31536000, immutable\r\n";
  if (file.gzipped) reply.headers += "Content-Encoding: gzip\r\n";
  return reply;
}

Task<Reply> get_console(Request) { co_return console_reply(console_files().front()); }

Task<Reply> get_console_file(Request request) {
  if (request.name == "about.json") co_return about_reply(request);
  const auto files = console_files().subspan(1);
  const auto found = std::ranges::find(files, std::string_view(request.name), &ConsoleFile::name);
  if (found == files.end()) co_return problem(problems::kNotFound, "the page has no such part");
  co_return console_reply(*found);
}

}  // namespace playhead
