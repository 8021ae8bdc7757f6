// What is joined is compared as a tuple wherever it goes together, so that equals don't depend on
// which side they came from.
#include "record/merge.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"
#include "viewing/merge.h"

namespace playhead {
namespace {

// Whoever is greater heard of the view last.
auto heard(const StoredView& view) {
  return std::tuple(view.last_arrival, view.interval_ms, view.cmcd);
}

// Greater: its series and next title are the later ones.
auto texts_of(const StoredView& view) {
  const Ids ids = view.ids.get();
  return std::tuple(view.view.deleted, view.view.meta_order, ids.series, ids.next_title);
}

// Greater: it knows better which device began the view.
auto device_of(const StoredView& view) {
  const Ids ids = view.ids.get();
  return std::tuple(view.view.deleted, ~view.view.start.ms, ids.device, ids.device_type);
}

// Greater: its `ended_by` is that of the end that counts.
auto end_of(const StoredView& view) {
  return std::tuple(view.view.terminated(), ~view.view.terminated_at.ms, view.view.deleted,
                    view.view.ended_order, view.ids.get().ended_by);
}

Ids joined_ids(const StoredView& a, const StoredView& b) {
  Ids out = a.ids.get();
  const Ids texts = (texts_of(a) < texts_of(b) ? b : a).ids.get();
  const Ids device = (device_of(a) < device_of(b) ? b : a).ids.get();
  out.series = texts.series;
  out.next_title = texts.next_title;
  out.device = device.device;
  out.device_type = device.device_type;
  out.ended_by = (end_of(a) < end_of(b) ? b : a).ids.get().ended_by;
  return out;
}

std::string bytes_of(const StoredView& view) {
  std::string out;
  encode(out, view);
  return out;
}

}  // namespace

bool is_same_view(const StoredView& a, const StoredView& b) {
  const Ids mine = a.ids.get(), other = b.ids.get();
  const auto name = [](const Ids& ids) {
    return std::tie(ids.view, ids.account, ids.tenant, ids.profile, ids.title);
  };
  return name(mine) == name(other);
}

bool merge(StoredView& into, const StoredView& from, Place place, const Rules& rules) {
  PLAYHEAD_ASSERT(is_same_view(into, from));
  const StoredView before = into.clone();
  const bool its = heard(before) < heard(from);
  const StoredView &later = its ? from : before, &earlier = its ? before : from;
  into.ids = PackedIds(joined_ids(before, from));
  merge(into.view, into.trail, from.view, from.trail, rules);
  into.import = std::max(before.import, from.import);
  if (place == Place::kOpen) into.keyed_start = std::min(before.keyed_start, from.keyed_start);
  into.last_arrival = later.last_arrival;
  into.interval_ms = later.interval_ms;
  into.cmcd = later.cmcd;
  // What one side took for ended has been opened since, as far as the other knows.
  const bool reopened = !into.view.ended() && later.view.ended();
  const bool both = reopened || heard(later) == heard(earlier);
  into.active = !into.view.ended() && (later.active || (both && earlier.active));
  into.expired = !into.active && (later.expired || (both && earlier.expired));
  into.granted = before.granted && into.active;
  return bytes_of(into) != bytes_of(before);
}

}  // namespace playhead
