// A varied view leaves traces: each kind of field comes with every few reports and with another
// value each time, so that a report lost among the last ones shows in the view's answers.
#include "workload.h"

#include <charconv>
#include <string_view>

#include "base/prng.h"

namespace playhead {
namespace {

constexpr std::uint32_t kSeriesOfAccount = 2, kEpisodes = 4, kFilmsOfAccount = 4;
constexpr Millis kDuration = 2'400'000;

void text(std::string& out, std::string_view key, std::string_view value) {
  ((((out += '"') += key) += "\":\"") += value) += "\",";
}

void digits(std::string& out, std::int64_t value) {
  char bytes[24];
  out.append(bytes, std::to_chars(bytes, bytes + sizeof bytes, value).ptr);
}

void number(std::string& out, std::string_view key, std::int64_t value) {
  ((out += '"') += key) += "\":";
  digits(out, value);
  out += ',';
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) {
  return Prng(seed ^ (a * 0x9e3779b97f4a7c15) ^ (b * 0xc2b2ae3d27d4eb4f)).next();
}

}  // namespace

// One report's place in the load, and the numbers that its content is drawn from.
struct Workload::Place {
  std::uint32_t connection = 0;
  std::uint32_t view = 0;        ///< of the connection
  std::uint64_t generation = 0;  ///< of the view's device
  std::uint64_t sequence = 0;    ///< of the view, from 0
  std::uint64_t of_device = 0, of_view = 0, of_report = 0;
};

Workload::Place Workload::place(std::uint32_t connection, std::uint64_t index) const {
  const std::uint64_t own = options_.views / options_.connections;
  const std::uint64_t round = index / own;
  Place place{.connection = connection, .view = static_cast<std::uint32_t>(index % own)};
  if (options_.life > 0) {
    // Views of one connection end at different times.
    const std::uint64_t moved = round + place.view % options_.life;
    place.generation = moved / options_.life;
    place.sequence = moved % options_.life;
    if (place.generation == 0) place.sequence = round;
  } else {
    place.sequence = round;
  }
  place.of_device = mix(options_.seed, connection, place.view);
  place.of_view = mix(place.of_device, place.generation + 1);
  place.of_report = mix(place.of_view, place.sequence + 1);
  return place;
}

void Workload::identity(std::string& out, const Place& place) const {
  const auto id = [&](std::string_view key, std::string_view kind, auto... numbers) {
    ((((out += '"') += key) += "\":\"") += options_.prefix) += kind;
    const char* between = "";
    ((out += between, digits(out, static_cast<std::int64_t>(numbers)), between = "-"), ...);
    out += "\",";
  };
  id("account", "a", place.of_device % options_.accounts);
  id("view", "v", place.connection, place.view, place.generation);
  id("device", "d", place.connection, place.view);
  text(out, "profile", place.of_device >> 32 & 1 ? "p1" : "p2");
}

void Workload::plain(std::string& out, const Place& place, std::string_view at) const {
  out += '{';
  identity(out, place);
  out += "\"title\":\"t";
  digits(out, static_cast<std::int64_t>(place.of_view % 20'000));
  out += "\",\"device_type\":\"tv\",";
  text(out, "at", at);
  text(out, "state", place.sequence == 0 ? "starting" : "playing");
  number(out, "sequence", static_cast<std::int64_t>(place.sequence) + 1);
  number(out, "duration_ms", 7'200'000);
  number(out, "playhead_ms",
         static_cast<std::int64_t>(place.sequence * options_.step_ms % 7'000'000));
  out.back() = '}';
}

void Workload::varied(std::string& out, const Place& place, Instant at,
                      std::string_view text_at) const {
  const std::uint64_t s = place.sequence, view = place.of_view, x = place.of_report;
  const bool live = view % 32 == 0, last = options_.life > 0 && s + 1 == options_.life;
  out += '{';
  identity(out, place);
  text(out, "at", text_at);

  // A title of the account's few, so that several views meet on it.
  const std::uint64_t pick = view >> 8, episode = pick / 2 % kEpisodes + 1;
  const bool series = pick % 2 == 0;
  out += "\"title\":\"";
  if (series) {
    const std::string name = "s" + std::to_string(pick / 8 % kSeriesOfAccount);
    ((out += name) += 'e') += std::to_string(episode);
    out += "\",";
    if (s % 4 == 0) text(out, "series", name);
    if (s % 4 == 0 && episode < kEpisodes)
      text(out, "next_title", name + "e" + std::to_string(episode + 1));
  } else {
    (out += "film") += std::to_string(pick / 2 % kFilmsOfAccount);
    out += "\",";
  }
  if (live) text(out, "kind", "live");
  if (view % 32 == 1) out += "\"record\":false,";
  if (s == 0) text(out, "device_type", "tv");
  if (view % 8 != 2) number(out, "sequence", static_cast<std::int64_t>(s) + 1);

  std::string_view state = "playing";
  if (s == 0) {
    state = "starting";
  } else if (last) {
    const std::uint64_t end = view >> 16 & 7;
    state = end < 3 ? "stopped" : end == 3 ? "completed" : end == 4 ? "failed" : "playing";
  } else if (s % 8 == 0) {
    state = "seeking";
  } else if (x % 16 < 4) {
    constexpr std::string_view kRare[] = {"paused", "rebuffering", "ad", "paused"};
    state = kRare[x % 4];
  }
  text(out, "state", state);

  // Most start at 0 or in the middle, some shortly before their finish line, 95 % of the duration.
  constexpr Millis kFrom[] = {0, 600'000, 1'200'000, 2'230'000};
  const auto step = static_cast<Millis>(s * options_.step_ms);
  const Millis playhead = kFrom[view >> 20 & 3] + step +
                          static_cast<Millis>(mix(view, s / 8) % 5 * 20'000) -
                          static_cast<Millis>(x >> 40 & 63);
  if (x % 8 != 5) number(out, "playhead_ms", std::max<Millis>(playhead, 0));
  if (view % 10 != 3 && s % 5 <= 1)
    number(out, "duration_ms", kDuration + static_cast<Millis>(s) * 100);
  if (view % 4 == 0 && s % 7 == 2)
    number(out, "credits_ms", kDuration - 90'000 - static_cast<Millis>(s) * 10);
  if (view % 4 <= 1 && s % 6 == 3) number(out, "watched_ms", step * 3 / 4);
  if (s % 10 == 5 || (s == 0 && view % 2 == 0))
    text(out, "started_at", format_rfc3339(at - (s == 0 ? 5'000 : 2'000)));
  out.back() = '}';
}

void Workload::body(std::string& out, std::uint32_t connection, std::uint64_t number,
                    Instant at) const {
  const std::string time = format_rfc3339(at);
  const std::uint64_t first = number * options_.batch;
  if (options_.batch > 1) out += '[';
  for (std::uint64_t index = first; index < first + options_.batch; ++index) {
    if (index > first) out += ',';
    const Place here = place(connection, index);
    if (options_.varied)
      varied(out, here, at, time);
    else
      plain(out, here, time);
  }
  if (options_.batch > 1) out += ']';
}

}  // namespace playhead
