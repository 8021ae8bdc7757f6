// The registers of a title, and the projections that are made of them.
#include "viewing/title.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "viewing/register.h"

namespace playhead {
namespace {

// When the title last moved or was marked: what orders Continue Watching. A deleted view's position
// does not count.
Instant touched(const TitleState& title) {
  return std::max(title.position.known() ? title.position.moved : kNever,
                  title.watched.value ? title.watched.at : kNever);
}

bool played_enough(const TitleState& title, const Rules& rules) {
  if (title.position.act) return true;  // set by hand: the viewer's own will
  if (title.played_max >= rules.resume_min_ms) return true;
  return title.duration > 0 &&
         title.played_max >= percent_of(title.duration, rules.resume_min_percent);
}

bool can_resume(const TitleState& title, const Rules& rules) {
  return !title.hidden.value && resume_position(title, rules) && played_enough(title, rules);
}

ContinueRow resume_row(const NamedTitle& title) {
  return {.title = title.title,
          .series = title.state.series,
          .state = title.state,
          .reason = RowReason::kResume,
          .at = title.state.position.moved};
}

// The episodes of one series, or all titles, by id.
using Episodes = std::map<std::string_view, const NamedTitle*>;

const NamedTitle* latest_of(const Episodes& episodes, const auto& matches) {
  const NamedTitle* latest = nullptr;
  for (const auto& [id, title] : episodes) {
    if (!matches(title->state)) continue;
    if (latest == nullptr || touched(title->state) > touched(latest->state)) latest = title;
  }
  return latest;
}

// After the finished episode `last`: its next title, unless that was watched or hidden. It is
// looked for among all titles: one that was only marked knows no series.
std::optional<ContinueRow> next_row(const NamedTitle& last, const Episodes& titles) {
  const std::string& next = last.state.next_title;
  if (next.empty()) return std::nullopt;
  const auto known = titles.find(next);
  ContinueRow row{.title = next,
                  .series = last.state.series,
                  .state = {},
                  .reason = RowReason::kNext,
                  .at = touched(last.state)};
  if (known == titles.end()) return row;
  const TitleState& state = known->second->state;
  if (state.hidden.value || state.watched.value) return std::nullopt;
  row.state = state;
  return row;
}

std::optional<ContinueRow> row_of(const Episodes& episodes, const Episodes& titles,
                                  const Rules& rules) {
  const NamedTitle* last = latest_of(episodes, [&](const TitleState& state) {
    return touched(state) != kNever &&
           (played_enough(state, rules) || state.watched.value || is_finished(state, rules));
  });
  if (last == nullptr) return std::nullopt;
  if (!is_finished(last->state, rules) && can_resume(last->state, rules)) return resume_row(*last);
  if (is_finished(last->state, rules))
    if (auto next = next_row(*last, titles)) return next;
  const NamedTitle* unfinished =
      latest_of(episodes, [&](const TitleState& state) { return can_resume(state, rules); });
  if (unfinished != nullptr) return resume_row(*unfinished);
  return std::nullopt;
}

}  // namespace

void Flag::merge(const Flag& other) {
  if (std::tie(other.at, other.act, other.value) > std::tie(at, act, value)) *this = other;
}

void Position::merge(const Position& other) {
  const auto key = [](const Position& position) {
    return std::tie(position.moved, position.act, position.view, position.cursor, position.at_end,
                    position.cleared, position.device, position.playhead);
  };
  if (key(other) > key(*this)) *this = other;
}

void TitleState::merge(const TitleState& other) {
  position.merge(other.position);
  watched.merge(other.watched);
  hidden.merge(other.hidden);
  if (std::tie(other.meta_order, other.series, other.next_title) >
      std::tie(meta_order, series, next_title)) {
    meta_order = other.meta_order;
    series = other.series;
    next_title = other.next_title;
  }
  join_register(duration_order, duration, other.duration_order, other.duration);
  join_register(credits_order, credits, other.credits_order, other.credits);
  played_max = std::max(played_max, other.played_max);
  if (other.import > import) import = other.import;
}

bool TitleState::has_progress() const {
  return position.known() || watched.at != kNever || hidden.act;
}

TitleState contribution(const View& view, const ViewTexts& texts) {
  TitleState out;
  if (!view.qualified() || !view.record || view.kind == Kind::kLive) return out;
  if (view.moved != kNever && view.playhead != kNoPlayhead) {
    out.position = {.moved = view.moved,
                    .act = false,
                    .view = std::string(texts.view),
                    .cursor = view.position_order,
                    .at_end = view.completed_at == view.moved,
                    .cleared = view.deleted,
                    .device = std::string(texts.device),
                    .playhead = view.playhead};
  }
  out.duration = view.duration;
  out.duration_order = view.duration_order;
  out.credits = view.credits;
  out.credits_order = view.credits_order;
  out.meta_order = view.meta_order;
  out.series = texts.series;
  out.next_title = texts.next_title;
  if (view.finished()) out.watched = {.at = view.finished_at, .act = false, .value = true};
  out.hidden = {.at = view.qualified_at, .act = false, .value = false};
  out.played_max = view.played_ms();
  return out;
}

TitleState contribution(const TitleAct& act) {
  TitleState out;
  if (act.playhead)
    out.position = {.moved = act.at,
                    .act = true,
                    .view = {},
                    .cursor = {},
                    .at_end = false,
                    .cleared = false,
                    .device = {},
                    .playhead = *act.playhead};
  if (act.watched) out.watched = {.at = act.at, .act = true, .value = *act.watched};
  if (act.hidden) out.hidden = {.at = act.at, .act = true, .value = *act.hidden};
  return out;
}

bool is_finished(const TitleState& title, const Rules& rules) {
  if (!title.watched.value) return false;
  if (!title.position.known()) return true;
  if (title.position.at_end || title.position.moved <= title.watched.at) return true;
  const auto line = finish_line(title.duration, title.credits, rules);
  return line && title.position.playhead >= *line;
}

std::optional<Playhead> resume_position(const TitleState& title, const Rules& rules) {
  if (!title.position.known() || is_finished(title, rules)) return std::nullopt;
  return title.position.playhead;
}

std::vector<ContinueRow> continue_watching(std::vector<NamedTitle> titles, const Rules& rules) {
  std::map<std::string_view, Episodes> series;
  Episodes all;
  std::vector<ContinueRow> rows;
  for (const NamedTitle& title : titles) {
    all.emplace(title.title, &title);
    if (title.state.series.empty()) {
      if (can_resume(title.state, rules)) rows.push_back(resume_row(title));
    } else {
      series[title.state.series].emplace(title.title, &title);
    }
  }
  for (const auto& [id, episodes] : series)
    if (auto row = row_of(episodes, all, rules)) rows.push_back(std::move(*row));
  std::ranges::sort(rows, [](const ContinueRow& a, const ContinueRow& b) {
    return std::tie(b.at, a.title) < std::tie(a.at, b.title);
  });
  return rows;
}

}  // namespace playhead
