// Source: Trakt's API, "Sync: Get watched history" and "Get playback progress". Runtimes come with
// ?extended=full only.
#include <simdjson.h>

#include <cmath>

#include "ingest/foreign.h"
#include "ingest/json_body.h"

namespace playhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr Millis kMinuteMs = 60'000;
constexpr std::int64_t kRuntimeMinutesMax = 100'000;

std::unexpected<ForeignRefusal> refuse(std::string_view why) {
  return std::unexpected(ForeignRefusal{.skipped = false, .why = std::string(why)});
}

std::optional<object> object_in(object in, std::string_view name) {
  object out;
  if (in[name].get(out) != simdjson::SUCCESS) return std::nullopt;
  return out;
}

std::string_view text_in(object in, std::string_view name) {
  std::string_view text;
  return in[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::optional<std::int64_t> number_in(object in, std::string_view name) {
  std::int64_t number = 0;
  if (in[name].get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::optional<double> progress_in(object in) {
  double progress = 0;
  if (in["progress"].get(progress) != simdjson::SUCCESS || !(progress >= 0 && progress <= 100))
    return std::nullopt;
  return progress;
}

// "trakt:movie:12", and what else a map may know it by.
bool read_ids(object thing, std::string_view kind, ForeignView& out) {
  const auto ids = object_in(thing, "ids");
  const auto trakt = ids ? number_in(*ids, "trakt") : std::nullopt;
  if (!trakt) return false;
  const std::string of_kind = ":" + std::string(kind) + ":";
  out.title = "trakt" + of_kind + std::to_string(*trakt);
  out.known.push_back(out.title);
  if (const std::string_view imdb = text_in(*ids, "imdb"); !imdb.empty())
    out.known.push_back("imdb:" + std::string(imdb));
  for (const char* site : {"tmdb", "tvdb"})
    if (const auto id = number_in(*ids, site))
      out.known.push_back(site + of_kind + std::to_string(*id));
  return true;
}

}  // namespace

ForeignRow trakt_item(std::string_view json) {
  JsonBody body;
  const auto root = body.parse(body.hold(json));
  object item;
  if (!root || root->get(item) != simdjson::SUCCESS) return refuse("it is no object");
  ForeignView out;
  out.has_ids = true;
  const std::string_view type = text_in(item, "type");
  if (type != "movie" && type != "episode") return refuse("it is neither a movie nor an episode");
  const auto thing = object_in(item, type);
  if (!thing || !read_ids(*thing, type, out)) return refuse("it has no Trakt id");
  if (const auto show = type == "episode" ? object_in(item, "show") : std::nullopt)
    if (const auto ids = object_in(*show, "ids"))
      if (const auto id = number_in(*ids, "trakt"))
        out.series = "trakt:show:" + std::to_string(*id);
  if (const auto minutes = number_in(*thing, "runtime");
      minutes && *minutes > 0 && *minutes < kRuntimeMinutesMax)
    out.duration = *minutes * kMinuteMs;
  const auto id = number_in(item, "id");
  if (const auto watched = parse_rfc3339(text_in(item, "watched_at"))) {
    if (!id) return refuse("it has no id");
    out.view = "trakt-" + std::to_string(*id);
    out.ended_at = *watched;
    out.started_at = *watched - out.duration.value_or(0);
    out.watched = out.duration;
    out.completed = true;
    return out;
  }
  const auto paused = parse_rfc3339(text_in(item, "paused_at"));
  const auto progress = progress_in(item);
  if (!paused || !progress) return refuse("it has neither watched_at, nor paused_at and progress");
  if (!out.duration)
    return refuse(
        "its progress is a percentage of a runtime that is not there: get the file with "
        "?extended=full");
  out.kind = ForeignView::Kind::kPosition;
  out.ended_at = out.started_at = *paused;
  out.playhead = std::llround(static_cast<double>(*out.duration) * *progress / 100);
  return out;
}

Result<std::vector<std::string>> trakt_items(std::string_view file) {
  JsonBody body;
  const auto root = body.parse(body.hold(file));
  if (!root) return fail(root.error().code, "the file " + root.error().detail);
  simdjson::dom::array items;
  if (root->get(items) != simdjson::SUCCESS)
    return fail(Errc::kInvalidArgument, "the file is no array of Trakt's items");
  std::vector<std::string> out;
  for (const element item : items) out.push_back(simdjson::minify(item));
  return out;
}

}  // namespace playhead
