// Bounds of clocks, and the median of what they prove.
#include "cluster/clock_watch.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace playhead {
namespace {

// Beyond it a row's clock is nobody's: about the year 30,000. Differences of two such fit.
constexpr std::int64_t kInstantMaxMs = 900'000'000'000'000;
constexpr Millis kUnboundedMs = std::numeric_limits<Millis>::max();

bool is_clock(Instant at) { return at.ms >= 0 && at.ms <= kInstantMaxMs; }

// Of all values between the two the one nearest to none.
Millis nearest_zero(Millis least, Millis most) {
  if (least > 0) return least;
  return most < 0 ? most : 0;
}

}  // namespace

void ClockWatch::see(std::span<const NodeEntry> rows, Instant asked, Instant answered) {
  std::map<std::string, Peer> now;
  for (const NodeEntry& entry : rows) {
    if (entry.row.node == node_ || entry.row.over || now.size() == kNodesMax) continue;
    const auto known = peers_.find(entry.row.node);
    Peer peer;
    if (known != peers_.end() && known->second.session == entry.row.session)
      peer = std::move(known->second);
    if (peer.renewal != entry.row.renewal) see(entry, answered, peer);
    now.emplace(entry.row.node, std::move(peer));
  }
  peers_ = std::move(now);
  asked_ = asked;
}

// Of a renewal that is seen for the first time.
void ClockWatch::see(const NodeEntry& entry, Instant answered, Peer& peer) const {
  const NodeNote& note = entry.note;
  Bound bound{.least_ms = -kUnboundedMs, .most_ms = kUnboundedMs};
  if (is_clock(note.sent)) bound.most_ms = answered - note.sent;
  if (peer.unseen && note.answered_renewal == peer.renewal && is_clock(note.answered))
    bound.least_ms = *peer.unseen - note.answered;
  peer.session = entry.row.session;
  peer.renewal = entry.row.renewal;
  peer.unseen = asked_;
  peer.add(bound);
}

// Where what is new contradicts what was, a clock has been set: only the new counts.
void ClockWatch::Peer::add(Bound bound) {
  if (bound.least_ms > bound.most_ms) return bounds.clear();
  bounds.push_back(bound);
  if (bounds.size() > kBoundsMax) bounds.pop_front();
  if (const Bound whole = all(); whole.least_ms > whole.most_ms) bounds = {bound};
}

ClockWatch::Bound ClockWatch::Peer::all() const {
  Bound out{.least_ms = -kUnboundedMs, .most_ms = kUnboundedMs};
  for (const Bound& bound : bounds) {
    out.least_ms = std::max(out.least_ms, bound.least_ms);
    out.most_ms = std::min(out.most_ms, bound.most_ms);
  }
  return out;
}

Millis ClockWatch::skew_ms() const {
  std::vector<Millis> off_ms = {0};
  off_ms.reserve(peers_.size() + 1);
  for (const auto& [node, peer] : peers_) {
    const Bound bound = peer.all();
    off_ms.push_back(nearest_zero(bound.least_ms, bound.most_ms));
  }
  std::ranges::sort(off_ms);
  return nearest_zero(off_ms[(off_ms.size() - 1) / 2], off_ms[off_ms.size() / 2]);
}

}  // namespace playhead
