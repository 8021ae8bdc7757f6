// RFC 3339 in and out.
#include "base/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace playhead {
namespace {

constexpr std::int64_t kMinMs = -62167219200000;  // 0000-01-01T00:00:00Z
constexpr std::int64_t kMaxMs = 253402300799999;  // 9999-12-31T23:59:59.999Z

// Reads `digits` decimal digits at `position`, or nothing.
std::optional<int> number(std::string_view text, std::size_t position, int digits) {
  int value = 0;
  for (int i = 0; i < digits; ++i) {
    const std::size_t at = position + static_cast<std::size_t>(i);
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return std::nullopt;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

// Reads the zone at the end of `text`: "Z" or "+hh:mm". The offset in milliseconds.
std::optional<Millis> zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = number(text, 1, 2);
  const auto minutes = number(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const Millis offset = (*hours * 60 + *minutes) * Millis{60'000};
  return text[0] == '+' ? offset : -offset;
}

void put(char* out, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string format_rfc3339(Instant at) {
  using namespace std::chrono;
  const milliseconds since(std::clamp(at.ms, kMinMs, kMaxMs));
  const sys_days day = floor<days>(sys_time<milliseconds>(since));
  const year_month_day date(day);
  const hh_mm_ss time(sys_time<milliseconds>(since) - day);
  std::string out = "0000-00-00T00:00:00.000Z";
  put(out.data(), static_cast<int>(date.year()), 4);
  put(out.data() + 5, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  put(out.data() + 8, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  put(out.data() + 11, static_cast<int>(time.hours().count()), 2);
  put(out.data() + 14, static_cast<int>(time.minutes().count()), 2);
  put(out.data() + 17, static_cast<int>(time.seconds().count()), 2);
  put(out.data() + 20, static_cast<int>(time.subseconds().count()), 3);
  return out;
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  const auto years = number(text, 0, 4), months = number(text, 5, 2), day = number(text, 8, 2);
  const auto hour = number(text, 11, 2), minute = number(text, 14, 2), second = number(text, 17, 2);
  if (!years || !months || !day || !hour || !minute || !second) return std::nullopt;
  const year_month_day date{year(*years), month(static_cast<unsigned>(*months)),
                            std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;

  std::size_t next = 19;
  Millis fraction = 0;
  if (text[next] == '.') {
    Millis scale = 100;
    const std::size_t first = ++next;
    for (; next < text.size() && text[next] >= '0' && text[next] <= '9'; ++next) {
      fraction += (text[next] - '0') * scale;
      scale /= 10;
    }
    if (next == first) return std::nullopt;
  }
  const auto offset = zone(text.substr(next));
  if (!offset) return std::nullopt;
  const auto whole = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second);
  return Instant{duration_cast<milliseconds>(whole.time_since_epoch()).count() + fraction -
                 *offset};
}

}  // namespace playhead
