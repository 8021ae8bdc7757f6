// Ids need no quotes: none can hold a comma or a quote.
#include "http/history_csv.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace playhead {
namespace {

// "1:02:03", as Netflix writes spans.
std::string clock_text(Millis span_ms) {
  const std::int64_t s = std::max<Millis>(span_ms, 0) / 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", static_cast<long long>(s / 3600),
                static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  return text;
}

// "2026-11-23 20:15:30", UTC.
std::string csv_time(Instant at) {
  std::string text = format_rfc3339(at).substr(0, 19);
  text[10] = ' ';
  return text;
}

/// Where each title of a page stands now, by view: which row holds the latest bookmark.
using Latest = std::map<std::string, std::string>;

void write_row(std::string& out, std::string_view profile, const HistoryItem& item,
               const Latest& latest) {
  const std::string bookmark = item.playhead ? clock_text(*item.playhead) : "";
  const auto found = latest.find(item.title);
  const bool is_latest = found != latest.end() && found->second == item.view;
  ((out += profile) += ',') += csv_time(item.started_at);
  (out += ',') += clock_text(item.watched_ms);
  (out += ",,") += item.title;
  (out += ",,") += item.device_type.empty() ? item.device : item.device_type;
  (out += ',') += bookmark;
  (out += ',') += is_latest ? bookmark : "Not latest view";
  out += ",\r\n";
}

}  // namespace

Task<Result<std::string>> csv_rows(Service& service, ProfileRef profile,
                                   std::vector<HistoryItem> items) {
  std::vector<std::string> titles;
  titles.reserve(items.size());
  for (const HistoryItem& item : items) titles.push_back(item.title);
  std::ranges::sort(titles);
  titles.erase(std::ranges::unique(titles).begin(), titles.end());
  auto progress = co_await service.progress(profile, std::move(titles));
  if (!progress) co_return std::unexpected(progress.error());
  Latest latest;
  for (ProgressItem& item : progress->value)
    latest.emplace(std::move(item.title), std::move(item.view));
  std::string rows;
  for (const HistoryItem& item : items) write_row(rows, profile.profile, item, latest);
  co_return rows;
}

std::string next_link(std::string_view target) {
  return "Link: <" + std::string(target) + ">; rel=\"next\"\r\n";
}

}  // namespace playhead
