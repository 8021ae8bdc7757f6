// Source: the headings of ViewingActivity.csv in the download of an account's data, and of
// NetflixViewingHistory.csv on a profile's page. Times are UTC.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/hash.h"
#include "base/ids.h"
#include "ingest/foreign.h"

namespace playhead {
namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The part of `text` before any of `separators`; `text` becomes what follows.
std::string_view cut(std::string_view& text, std::string_view separators) {
  const std::size_t end = std::min(text.find_first_of(separators), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// "1:02:03".
std::optional<Millis> span_of(std::string_view text) {
  constexpr unsigned kHoursMax = 100'000;
  const auto hours = number_of<unsigned>(cut(text, ":"));
  const auto minutes = number_of<unsigned>(cut(text, ":"));
  const auto seconds = number_of<unsigned>(text);
  if (!hours || !minutes || !seconds || *hours > kHoursMax || *minutes > 59 || *seconds > 59)
    return std::nullopt;
  return Millis{3600} * 1000 * *hours + Millis{60} * 1000 * *minutes + Millis{1000} * *seconds;
}

// "2021-01-23 20:15:30".
std::optional<Instant> time_of(std::string_view text) {
  if (text.size() != 19 || text[10] != ' ') return std::nullopt;
  std::string rfc(text);
  rfc[10] = 'T';
  return parse_rfc3339(rfc + "Z");
}

struct Numbers {
  std::array<unsigned, 3> of{};
  bool year_first = false;
};

std::optional<Numbers> numbers_of(std::string_view date) {
  Numbers out;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string_view part = cut(date, "/.-");
    const auto number = number_of<unsigned>(part);
    if (!number) return std::nullopt;
    if (i == 0) out.year_first = part.size() == 4;
    out.of[i] = *number;
  }
  if (!date.empty()) return std::nullopt;
  return out;
}

// "1/23/21", "23.01.2021" or "2021-01-23".
std::optional<Instant> day_of(std::string_view date, DateOrder order) {
  const auto numbers = numbers_of(date);
  if (!numbers) return std::nullopt;
  auto [first, second, third] = numbers->of;
  unsigned year = third, month = first, day = second;
  if (numbers->year_first) {
    year = first;
    month = second;
    day = third;
  } else if (order_of(date).value_or(order) == DateOrder::kDayFirst) {
    std::swap(month, day);
  }
  if (year < 100) year += 2000;
  char text[40];
  std::snprintf(text, sizeof text, "%04u-%02u-%02uT00:00:00Z", year, month, day);
  return parse_rfc3339(text);
}

std::unexpected<ForeignRefusal> refuse(std::string_view why) {
  return std::unexpected(ForeignRefusal{.skipped = false, .why = std::string(why)});
}

}  // namespace

std::optional<DateOrder> order_of(std::string_view date) {
  const auto numbers = numbers_of(date);
  if (!numbers || numbers->year_first) return std::nullopt;
  if (numbers->of[0] > 12) return DateOrder::kDayFirst;
  if (numbers->of[1] > 12) return DateOrder::kMonthFirst;
  return std::nullopt;
}

std::string_view NetflixColumns::field(const std::vector<std::string>& fields, std::size_t column) {
  return column < fields.size() ? std::string_view(fields[column]) : std::string_view();
}

Result<NetflixColumns> NetflixColumns::of(const std::vector<std::string>& headings) {
  NetflixColumns out;
  const auto place = [&](std::string_view name) {
    const auto found = std::ranges::find(headings, name);
    return found == headings.end() ? kNone : static_cast<std::size_t>(found - headings.begin());
  };
  out.title_ = place("Title");
  if (const std::size_t date = place("Date"); date != kNone && place("Start Time") == kNone) {
    out.start_ = date;
  } else {
    out.profile_ = place("Profile Name");
    out.start_ = place("Start Time");
    out.duration_ = place("Duration");
    out.supplemental_ = place("Supplemental Video Type");
    out.device_ = place("Device Type");
    out.bookmark_ = place("Bookmark");
    if (out.profile_ == kNone || out.duration_ == kNone || out.bookmark_ == kNone)
      out.start_ = kNone;
  }
  if (out.title_ == kNone || out.start_ == kNone)
    return fail(Errc::kInvalidArgument,
                "its headings are neither Netflix's viewing activity (Profile Name, Start Time, "
                "Duration, ...) nor its short form (Title, Date)");
  return out;
}

ForeignRow NetflixColumns::row(const std::vector<std::string>& fields, DateOrder order) const {
  ForeignView out;
  out.title = field(fields, title_);
  if (out.title.empty()) return refuse("it has no title");
  out.series = series_of(out.title);
  if (is_short()) {
    const auto day = day_of(date(fields), order);
    if (!day) return refuse("its date is none that we know");
    out.started_at = out.ended_at = *day;
    return out;
  }
  if (const std::string_view kind = field(fields, supplemental_); !kind.empty())
    return std::unexpected(ForeignRefusal{.skipped = true, .why = "trailers and previews"});
  out.profile = field(fields, profile_);
  if (out.profile.empty()) return refuse("it has no profile");
  const auto start = time_of(field(fields, start_));
  if (!start) return refuse("its start time is none");
  const auto watched = span_of(field(fields, duration_));
  if (!watched) return refuse("its duration is none");
  const std::string_view bookmark = field(fields, bookmark_);
  if (!bookmark.empty()) {
    out.playhead = span_of(bookmark);
    if (!out.playhead) return refuse("its bookmark is none");
  }
  out.started_at = *start;
  out.ended_at = *start + *watched;
  out.watched = *watched;
  out.device_type = field(fields, device_);
  return out;
}

std::string_view series_of(std::string_view title) {
  static constexpr auto kMarks = std::to_array<std::string_view>(
      {"Season ", "Series ", "Part ", "Volume ", "Book ", "Chapter ", "Limited Series", "Staffel ",
       "Saison ", "Temporada ", "Stagione ", "Seizoen ", "Miniserie"});
  for (std::size_t at = title.find(": "); at != std::string_view::npos;
       at = title.find(": ", at + 2)) {
    const std::string_view rest = title.substr(at + 2);
    const bool marked =
        std::ranges::any_of(kMarks, [&](std::string_view mark) { return rest.starts_with(mark); });
    // A season alone is no episode of it.
    if (marked && rest.find(": ") != std::string_view::npos) return title.substr(0, at);
  }
  return {};
}

std::string id_of_name(std::string_view name) {
  constexpr std::size_t kSlugBytesMax = 64;
  std::string slug;
  for (const char c : name) {
    if (slug.size() == kSlugBytesMax) break;
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper || plain)
      slug += upper ? static_cast<char>(c + 32) : c;
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
  }
  char hash[24];
  std::snprintf(hash, sizeof hash, "%s%08x", slug.empty() || slug.back() == '-' ? "" : "-",
                static_cast<unsigned>(hash_bytes(name) & 0xffffffffU));
  return slug + hash;
}

}  // namespace playhead
