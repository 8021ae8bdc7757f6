// The exact evidence of what was played: kept in order, banked where it leaves, joined with
// another.
#include <algorithm>
#include <span>
#include <tuple>
#include <vector>

#include "viewing/view.h"

namespace playhead {
namespace {

// Without playheads, a gap longer than a plain player's expiry is silence and no evidence.
constexpr Millis kSilenceMax = 90'000;

// Media played between two neighbouring reports. A seek's playhead is its target, not a place that
// was played up to, so only time speaks there.
Millis played_between(const Trail::Point& from, const Trail::Point& to) {
  if (from.state != State::kPlaying) return 0;
  const Millis time = to.order.at - from.order.at;
  const bool spans = from.playhead != kNoPlayhead && to.playhead != kNoPlayhead &&
                     to.state != State::kSeeking && to.state != State::kAd;
  if (!spans) return std::min(time, kSilenceMax);
  return std::clamp<Millis>(to.playhead - from.playhead, 0, time);
}

// A report that names no state goes on with its predecessor's.
void fill_kept_states(std::span<Trail::Point> points) {
  State state = State::kKeep;
  for (Trail::Point& point : points) {
    if (point.state == State::kKeep) point.state = state;
    state = point.state;
  }
}

bool has_banked(const Trail& trail) { return trail.oldest.order != Order{}; }

// Where what a trail tells of begins.
const Trail::Point& beginning(const Trail& trail) {
  return has_banked(trail) ? trail.oldest : trail.points.front();
}

// One report may have been stamped, or its missing state filled, in two ways.
Trail::Point one_of(const Trail::Point& a, const Trail::Point& b) {
  const auto key = [](const Trail::Point& point) {
    return std::tuple(point.state, -point.playhead);
  };
  return key(b) < key(a) ? b : a;
}

// What a trail shows of the time up to `end`, and the last of its points that lies there.
struct Part {
  Millis played = 0;
  Trail::Point last;
};

Part part_until(const Trail& trail, const Order& end) {
  Trail filled = trail;
  const std::span points(filled.points.data(), filled.count);
  fill_kept_states(points);
  Part part{.played = trail.banked, .last = points.front()};
  for (std::size_t i = 1; i < points.size() && points[i].order <= end; ++i) {
    part.played += played_between(points[i - 1], points[i]);
    part.last = points[i];
  }
  return part;
}

// What `late` has banked, with what `early` shows of the time before: only where it can be told
// apart.
Millis banked_behind(const Trail& early, const Trail& late) {
  const bool apart = beginning(early).order < late.oldest.order &&
                     (!has_banked(early) || early.points.front().order <= late.oldest.order);
  if (!apart) return late.banked;
  const Part before = part_until(early, late.oldest.order);
  return before.played + played_between(before.last, late.oldest) + late.banked;
}

// The points of both in order, from `horizon` on.
std::vector<Trail::Point> union_of(const Trail& a, const Trail& b, const Order& horizon) {
  std::vector<Trail::Point> points;
  points.reserve(2 * kTrailMax);
  for (const Trail* trail : {&a, &b})
    for (const Trail::Point& point : std::span(trail->points.data(), trail->count)) {
      if (point.order < horizon) continue;
      const auto place = std::ranges::lower_bound(points, point.order, {}, &Trail::Point::order);
      if (place != points.end() && place->order == point.order)
        *place = one_of(*place, point);
      else
        points.insert(place, point);
    }
  return points;
}

}  // namespace

bool Trail::add(const Stamped& report) {
  const Point point{.order = report.order,
                    .playhead = report.playhead.value_or(kNoPlayhead),
                    .state = report.state};
  const auto begin = points.begin();
  const auto place =
      std::lower_bound(begin, begin + count, report.order,
                       [](const Point& other, const Order& order) { return other.order < order; });
  if (place != begin + count && place->order == report.order) return false;
  if (count < kTrailMax) {
    std::move_backward(place, begin + count, begin + count + 1);
    *place = point;
    ++count;
    return true;
  }
  if (place == begin) {  // older than all: it lengthens what is banked, or lies within
    if (has_banked(*this) && report.order >= oldest.order) return false;
    banked += played_between(point, beginning(*this));
    oldest = point;
    return true;
  }
  // The first point leaves; the pair it makes with its successor, perhaps the new one, is banked.
  const Point leaving = points.front();
  std::move(begin + 1, place, begin);
  *(place - 1) = point;
  if (points.front().state == State::kKeep) points.front().state = leaving.state;
  const bool first = !has_banked(*this);
  banked += played_between(leaving, points.front());
  if (first) oldest = leaving;
  return true;
}

Millis Trail::evidence() const {
  return count == 0 ? 0 : part_until(*this, points[count - 1u].order).played;
}

std::optional<Instant> Trail::reached_at(Millis enough) const {
  for (std::size_t i = 0; i < count; ++i)
    if (part_until(*this, points[i].order).played >= enough) return points[i].order.at;
  return std::nullopt;
}

void Trail::merge(const Trail& other) {
  if (other.count == 0) return;
  if (count == 0) {
    *this = other;
    return;
  }
  const Trail mine = *this;
  Order horizon;  // what lies before it is banked, on one side at least
  for (const Trail* trail : {&mine, &other})
    if (has_banked(*trail)) horizon = std::max(horizon, trail->points.front().order);
  std::vector<Point> all = union_of(mine, other, horizon);
  const std::size_t leaving = all.size() > kTrailMax ? all.size() - kTrailMax : 0;
  if (leaving > 0 || horizon != Order{}) {
    std::vector<Point> filled = all;
    fill_kept_states(filled);
    Millis pairs = 0;
    for (std::size_t i = 0; i < leaving; ++i) pairs += played_between(filled[i], filled[i + 1]);
    all[leaving].state = filled[leaving].state;
    // Each a lower bound of what was played up to the first point that stays.
    Millis most = pairs;
    for (const auto& [trail, another] : {std::pair(&mine, &other), std::pair(&other, &mine)}) {
      if (has_banked(*trail) && trail->points.front().order == horizon)
        most = std::max(most, banked_behind(*another, *trail) + pairs);
      if (beginning(*trail).order <= all[leaving].order)
        most = std::max(most, part_until(*trail, all[leaving].order).played);
    }
    banked = most;
    const Point &a = beginning(mine), &b = beginning(other);
    oldest = a.order == b.order ? one_of(a, b) : (a.order < b.order ? a : b);
  }
  points = {};
  count = static_cast<std::uint8_t>(all.size() - leaving);
  std::ranges::copy(all.begin() + static_cast<std::ptrdiff_t>(leaving), all.end(), points.begin());
}

}  // namespace playhead
