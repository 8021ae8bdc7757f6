// Facts: maxima and minima, straight from the reports.
#include "sim/model.h"

#include <algorithm>

namespace playhead::sim {

Report ViewTold::report_of(const Said& one) const {
  return {.account = account,
          .profile = profile,
          .title = title,
          .view = view,
          .device = device,
          .at = one.at,
          .started_at = started_at,
          .playhead = one.playhead,
          .duration = duration,
          .watched = one.watched,
          .sequence = one.sequence,
          .state = one.state,
          .kind = live ? Kind::kLive : Kind::kOnDemand,
          .record = record};
}

Said& ViewTold::say(Said next) {
  Said& out = this->said.emplace_back(next);
  // Devices have the right time here, so the effective time is their own.
  const Stamped stamped = stamp(report_of(out), View{}, out.at, Rules{}, nullptr);
  out.rank = {stamped.order.at.ms, stamped.order.sequence, stamped.order.digest};
  return out;
}

void Facts::add(const ViewTold& view, const Said& said) {
  any = true;
  start = std::min(start, std::min(view.started_at, said.at).ms);
  cursor = std::max(cursor, said.rank);
  if (said.state != State::kKeep) stated = std::max(stated, said.rank);
  const bool placed = said.playhead && !view.live && said.state != State::kAd;
  if (placed) positioned = std::max(positioned, said.rank);
  const bool opens = said.state == State::kStarting || said.state == State::kPlaying ||
                     said.state == State::kSeeking;
  const bool ends = said.state == State::kStopped || said.state == State::kCompleted ||
                    said.state == State::kFailed;
  if (opens) opened = std::max(opened, said.rank);
  if (ends) ended = std::max(ended, said.rank);
  // Whether a seek or an end moved anything may depend on what came before it: stamp() says when.
  const bool plays = placed && said.state == State::kPlaying;
  if (plays) moved_surely = std::max(moved_surely, said.at.ms);
  const bool moves = (placed && (said.state == State::kPlaying || said.state == State::kSeeking)) ||
                     said.state == State::kCompleted;
  if (moves) moved = std::max(moved, said.at.ms);
  watched = std::max(watched, said.watched.value_or(0));
  completed |= said.state == State::kCompleted;
  last_arrival = std::max(last_arrival, said.arrived.ms);
}

Facts Model::acked(const ViewTold& view) {
  Facts facts;
  for (const Said& said : view.said)
    if (said.acked) facts.add(view, said);
  return facts;
}

Facts Model::possible(const ViewTold& view) {
  Facts facts;
  for (const Said& said : view.said)
    if (said.acked || said.maybe > 0) facts.add(view, said);
  return facts;
}

bool Model::certain(const ViewTold& view) {
  return std::ranges::all_of(view.said,
                             [](const Said& said) { return said.acked || said.maybe == 0; });
}

const Said* Model::find(const ViewTold& view, const Rank& rank) const {
  for (const Said& said : view.said)
    if (said.rank == rank) return &said;
  return nullptr;
}

bool Model::maybe_erased(std::string_view account, std::string_view profile, Instant at) const {
  return std::ranges::any_of(
      erasures, [&](const EraseTold& one) { return one.covers(account, profile, at); });
}

bool Model::erased(std::string_view account, std::string_view profile, Instant at) const {
  return std::ranges::any_of(erasures, [&](const EraseTold& one) {
    return one.acked && one.covers(account, profile, at);
  });
}

}  // namespace playhead::sim
