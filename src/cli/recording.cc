// Reads and rewrites; the text of what is not concerned stays as it was.
#include "cli/recording.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "base/assert.h"
#include "http/json_out.h"

namespace playhead {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kReportsPath = "/v1/reports";
constexpr std::string_view kNdjson = "application/x-ndjson";
constexpr std::string_view kCmcd = "application/cmcd";
constexpr std::int64_t kLiveMin = 100'000'000'000;  // a `pt` above it is a date: a live view

/// The lines of `text` without their ends; empty ones are left out. `use` gets their numbers too.
template <typename Use>
void each_line(std::string_view text, Use&& use) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) use(number, line);
  }
}

std::string_view text_of(const dom::object& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::string moved(std::string_view time, Millis span) {
  const auto at = parse_rfc3339(time);
  return at ? format_rfc3339(*at + span) : std::string(time);
}

std::string rewrite(const dom::object& report, Millis span, const Recast& recast) {
  std::string out;
  JsonOut json(out);
  json.open('{');
  const std::array owner = {std::pair("account", &recast.account),
                            std::pair("profile", &recast.profile),
                            std::pair("device", &recast.device)};
  const auto recasts = [&](std::string_view key) {
    return std::ranges::any_of(owner,
                               [&](auto& one) { return one.first == key && !one.second->empty(); });
  };
  for (const auto& [key, value] : report) {
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    if (key == "sent_at" || recasts(key)) continue;
    json.key(key);
    if (is_text && (key == "at" || key == "started_at"))
      json.value(moved(text, span));
    else if (is_text && key == "view")
      json.value(std::string(text) + recast.view_suffix);
    else
      out += simdjson::minify(value);
  }
  for (const auto& [key, value] : owner)
    if (!value->empty()) json.field(key, *value);
  json.close('}');
  return out;
}

/// Reads the reports of a body: one, an array, or lines. Each becomes a line of `out`.
class ReportReader {
 public:
  Result<void> read(std::string_view body, Millis span, const Recast& recast, Post& out) {
    Result<void> result;
    each_line(body, [&](std::size_t, std::string_view line) {
      if (!result) return;
      dom::element element;
      dom::array array;
      if (parser_.parse(line).get(element) != simdjson::SUCCESS) {
        result = fail(Errc::kInvalidArgument, "not JSON");
      } else if (element.get(array) == simdjson::SUCCESS) {
        for (const dom::element one : array)
          if (result) result = add(one, span, recast, out);
      } else {
        result = add(element, span, recast, out);
      }
    });
    return result;
  }

  /// The report's own time. Errors: invalid_argument.
  static Result<Instant> time_of(const dom::object& report) {
    const std::string_view text = text_of(report, "at");
    const auto at = parse_rfc3339(text);
    if (!at)
      return fail(Errc::kInvalidArgument,
                  text.empty() ? "a report without \"at\""
                               : "\"at\" is no RFC 3339 time: '" + std::string(text) + "'");
    return *at;
  }

 private:
  static Result<void> add(const dom::element& element, Millis span, const Recast& recast,
                          Post& out) {
    dom::object report;
    if (element.get(report) != simdjson::SUCCESS)
      return fail(Errc::kInvalidArgument, "a report has to be a JSON object");
    const auto at = time_of(report);
    if (!at) return std::unexpected(at.error());
    (out.body += rewrite(report, span, recast)) += '\n';
    if (out.reports++ == 0) out.at = *at + span;
    return {};
  }

  dom::parser parser_;
};

/// Reads the lines of a file.
class LineReader {
 public:
  explicit LineReader(const Recast& recast) : recast_(recast) {}

  Result<void> read(std::string_view line, std::vector<Post>& posts) {
    dom::object object;
    if (parser_.parse(line).get(object) != simdjson::SUCCESS)
      return fail(Errc::kInvalidArgument, "not a JSON object");
    if (!text_of(object, "method").empty()) return read_request(object, posts);
    if (object["state"].error() != simdjson::SUCCESS)
      return fail(Errc::kInvalidArgument,
                  "neither a report (\"state\", \"at\", …) nor a recorded request (\"method\", "
                  "\"path\", \"body\", …)");
    Post post{.target = std::string(kReportsPath), .content_type = std::string(kNdjson)};
    if (const auto read = reports_.read(line, 0, recast_, post); !read) return read;
    posts.push_back(std::move(post));
    return {};
  }

 private:
  Result<void> read_request(const dom::object& object, std::vector<Post>& posts) {
    if (text_of(object, "method") != "POST") return {};
    const std::string_view path = text_of(object, "path"), body = text_of(object, "body");
    std::int64_t at = 0;
    if (object["at"].get(at) != simdjson::SUCCESS)
      return fail(Errc::kInvalidArgument, "a request whose \"at\" is no number of milliseconds");
    if (!path.starts_with('/') || path.find_first_of(" \r\n\t") != std::string_view::npos)
      return fail(Errc::kInvalidArgument, "a request whose \"path\" does not begin with a slash");
    Post post;
    if (path.substr(0, path.find('?')) == kReportsPath) {
      if (const auto read = reports_.read(body, 0, recast_, post); !read) return read;
      post.target = retarget(path, {});
      post.content_type = kNdjson;
    } else {
      dom::object headers;
      std::string_view type = kCmcd;
      if (object["headers"].get(headers) == simdjson::SUCCESS &&
          !text_of(headers, "content-type").empty())
        type = text_of(headers, "content-type");
      post.target = retarget(path, recast_);
      post.content_type = type.find_first_of("\r\n") == std::string_view::npos ? type : kCmcd;
      post.body = rewrite_cmcd(body, 0, recast_.view_suffix);
      each_line(body, [&](std::size_t, std::string_view) { ++post.reports; });
    }
    post.at = Instant{at};
    if (post.reports > 0) posts.push_back(std::move(post));
    return {};
  }

  const Recast& recast_;
  dom::parser parser_;
  ReportReader reports_;
};

/// The digits that `text` begins with, if a member's value ends behind them.
std::optional<std::int64_t> whole_number(std::string_view text, std::size_t& length) {
  std::int64_t number = 0;
  const char* const begin = text.begin();
  const auto [last, error] = std::from_chars(begin, text.end(), number);
  length = static_cast<std::size_t>(last - begin);
  if (error != std::errc() || number < 0) return std::nullopt;
  if (last != text.end() && std::string_view(",;\r\n \t").find(*last) == std::string_view::npos)
    return std::nullopt;
  return number;
}

bool is_credential(std::string_view parameter) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "token",  "access_token", "auth",   "authorization", "jwt",     "key",
      "apikey", "api_key",      "secret", "signature",     "password"};
  std::string name(parameter.substr(0, parameter.find('=')));
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

bool Post::is_cmcd() const { return content_type != kNdjson; }

Result<std::vector<Post>> parse_recording(std::string_view text, std::string_view name,
                                          const Recast& recast) {
  std::vector<Post> posts;
  LineReader reader(recast);
  Result<void> result;
  each_line(text, [&](std::size_t number, std::string_view line) {
    if (!result) return;
    if (auto read = reader.read(line, posts); !read)
      result = fail(Errc::kInvalidArgument,
                    std::string(name) + ":" + std::to_string(number) + ": " + read.error().detail);
  });
  if (!result) return std::unexpected(result.error());
  return posts;
}

Result<std::vector<Post>> read_recording(const std::string& path, const Recast& recast) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file.tellg();
  if (!file || size < 0) return fail(Errc::kNotFound, "can't read '" + path + "'");
  if (static_cast<std::uint64_t>(size) > kRecordingBytesMax)
    return fail(Errc::kInvalidArgument,
                path + " is over 512 MiB: cut it with `split -C 500M` and replay part by part");
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  file.read(text.data(), size);
  if (!file) return fail(Errc::kNotFound, "can't read '" + path + "'");
  return parse_recording(text, path, recast);
}

void shift(Post& post, Millis span) {
  if (post.is_cmcd()) {
    post.at = post.at + span;
    post.body = rewrite_cmcd(post.body, span, {});
    return;
  }
  Post moved{.at = post.at + span,
             .target = std::move(post.target),
             .content_type = std::move(post.content_type)};
  ReportReader reader;
  const Instant at = moved.at;
  const auto read = reader.read(post.body, span, {}, moved);
  PLAYHEAD_ASSERT(read);  // what was written here can be read here
  moved.at = at;
  post = std::move(moved);
}

std::string rewrite_cmcd(std::string_view body, Millis span, std::string_view view_suffix) {
  std::string out;
  out.reserve(body.size() + 64);
  bool key_next = true, quoted = false, in_sid = false;
  int depth = 0;  // of inner lists
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    const std::string_view rest = body.substr(i);
    if (c == '\n') {  // a record ends, however broken it is
      quoted = false;
      key_next = true;
      depth = 0;
    } else if (quoted) {
      if (c == '\\' && i + 1 < body.size() && body[i + 1] != '\n') {
        out += c;
        out += body[++i];
        continue;
      }
      quoted = c != '"';
      if (!quoted && in_sid) out += view_suffix;
    } else if (key_next && c != ' ' && c != '\t' && c != ',') {
      key_next = false;
      in_sid = rest.starts_with("sid=");
      std::size_t length = 0;
      const bool is_time = rest.starts_with("ts="), is_playhead = rest.starts_with("pt=");
      const auto number = is_time || is_playhead ? whole_number(rest.substr(3), length)
                                                 : std::optional<std::int64_t>();
      if (number && (is_time || *number > kLiveMin)) {
        (out += rest.substr(0, 3)) += std::to_string(*number + span);
        i += 2 + length;
        continue;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == ',') {
      key_next = depth <= 0;
    }
    out += c;
  }
  return out;
}

std::string retarget(std::string_view target, const Recast& recast) {
  const std::size_t mark = target.find('?');
  std::string out(target.substr(0, mark));
  char joint = '?';
  const auto add = [&](std::string_view parameter) {
    (out += joint) += parameter;
    joint = '&';
  };
  const std::array owner = {std::pair(std::string_view("account="), &recast.account),
                            std::pair(std::string_view("profile="), &recast.profile),
                            std::pair(std::string_view("device="), &recast.device)};
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const bool recasts = std::ranges::any_of(
        owner, [&](auto& one) { return !one.second->empty() && parameter.starts_with(one.first); });
    if (!parameter.empty() && !recasts && !is_credential(parameter)) add(parameter);
  }
  for (const auto& [name, value] : owner)
    if (!value->empty()) add(std::string(name) + *value);
  return out;
}

std::vector<Post> merge(std::vector<Post> posts, std::uint64_t reports_max) {
  std::vector<Post> merged;
  for (Post& post : posts) {
    Post* last = merged.empty() ? nullptr : &merged.back();
    if (last != nullptr && !last->is_cmcd() && !post.is_cmcd() && last->target == post.target &&
        last->reports + post.reports <= reports_max) {
      last->body += post.body;
      last->reports += post.reports;
      last->at = post.at;
    } else {
      merged.push_back(std::move(post));
    }
  }
  return merged;
}

}  // namespace playhead
