// Reading a directory, and parts of what it held.
#include "http/demo.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "http/byte_range.h"
#include "http/handlers.h"
#include "http/problem.h"
#include "http/worker.h"

namespace playhead {
namespace {

struct Ending {
  std::string_view ending, type;
};
constexpr std::array kEndings = {
    Ending{".json", "application/json"}, Ending{".mp4", "video/mp4"}, Ending{".webm", "video/webm"},
    Ending{".jpg", "image/jpeg"},        Ending{".vtt", "text/vtt"},
};

/// Empty: not served.
std::string_view type_of(std::string_view name) {
  if (!is_id(name) || name.starts_with('.')) return {};
  const auto found =
      std::ranges::find_if(kEndings, [&](const Ending& one) { return name.ends_with(one.ending); });
  return found == kEndings.end() ? std::string_view() : found->type;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0) return fail(Errc::kNotFound, "can't read " + path.string());
  if (static_cast<std::size_t>(size) > bytes_max)
    return fail(Errc::kInvalidArgument, "the demo titles are larger than is kept in memory (" +
                                            std::to_string(DemoFiles::kBytesMax) +
                                            " bytes): " + path.string());
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(bytes.data(), size)) return fail(Errc::kNotFound, "can't read " + path.string());
  return bytes;
}

}  // namespace

Result<DemoFiles> DemoFiles::read(const std::string& directory) {
  DemoFiles demo;
  std::size_t left = kBytesMax;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string_view type = type_of(name);
    if (type.empty() || !entry->is_regular_file(error)) continue;
    if (demo.files_.size() == kFilesMax)
      return fail(Errc::kInvalidArgument,
                  directory + " holds more than " + std::to_string(kFilesMax) + " demo files");
    auto bytes = read_file(entry->path(), left);
    if (!bytes) return std::unexpected(bytes.error());
    left -= bytes->size();
    demo.files_.emplace(name, File{type, *std::move(bytes)});
  }
  if (!demo.files_.contains(std::string(kCatalogue)))
    return fail(Errc::kNotFound, "no demo titles in '" + directory +
                                     "': it holds no titles.json; tools/demo-titles makes them");
  return demo;
}

Reply DemoFiles::reply(const std::string& name, std::string_view range) const {
  const auto found = files_.find(name);
  if (found == files_.end()) {
    // A server without titles has a list of none: that is no error to a page that asks.
    if (name == kCatalogue)
      return {.content_type = kEndings.front().type, .body = R"({"titles":[]})"};
    return problem(problems::kNotFound, "there is no such demo file");
  }
  const auto& [type, bytes] = found->second;
  const ByteRange part = byte_range(range, bytes.size());
  if (part.kind == ByteRange::Kind::kBeyond) {
    Reply reply = problem(problems::kRangeNotSatisfiable, "the range lies behind the file's end");
    reply.headers += "Content-Range: bytes */" + std::to_string(bytes.size()) + "\r\n";
    return reply;
  }
  Reply reply{.content_type = type, .headers = "Accept-Ranges: bytes\r\n"};
  if (part.kind == ByteRange::Kind::kWhole) {
    if (bytes.size() > kPartBytesMax)
      return problem(problems::kInvalidRequest,
                     "the file has " + std::to_string(bytes.size()) +
                         " bytes: ask for a part of it with Range, as players do");
    reply.body = bytes;
    return reply;
  }
  const std::uint64_t last = std::min<std::uint64_t>(part.last, part.first + kPartBytesMax - 1);
  reply.status = 206;
  reply.headers += "Content-Range: bytes " + std::to_string(part.first) + "-" +
                   std::to_string(last) + "/" + std::to_string(bytes.size()) + "\r\n";
  reply.body = bytes.substr(part.first, last - part.first + 1);
  return reply;
}

Task<Reply> get_demo_file(Request request) {
  co_return request.worker->shared().demo.reply(request.name, request.range);
}

}  // namespace playhead
