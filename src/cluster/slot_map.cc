// The map's successor, and its bytes: owners once, then runs of slots with one owner and epoch.
#include "cluster/slot_map.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/ids.h"
#include "record/bytes.h"

namespace playhead {
namespace {

constexpr std::uint8_t kFormat = 1;

}  // namespace

SlotSet SlotMap::slots_of(std::uint64_t session) const {
  SlotSet out;
  const auto owner = std::ranges::find(owners_, session, &Owner::session);
  if (owner == owners_.end()) return out;
  const auto index = static_cast<std::uint16_t>(owner - owners_.begin());
  for (std::size_t slot = 0; slot < kSlots; ++slot) out[slot] = places_[slot].owner == index;
  return out;
}

SlotMap SlotMap::with(std::span<const Move> moves, std::span<const Owner> takers) const {
  SlotMap out = *this;
  ++out.version_;
  out.owners_.insert(out.owners_.end(), takers.begin(), takers.end());
  for (const Move& move : moves) {
    PLAYHEAD_ASSERT(move.slot < kSlots && move.to < takers.size());
    Place& place = out.places_[move.slot];
    PLAYHEAD_ASSERT(place.epoch != out.version_);
    place = {.epoch = out.version_, .owner = static_cast<std::uint16_t>(owners_.size() + move.to)};
  }
  out.drop_idle_owners();
  return out;
}

// Sorts owners_, each once, without those that own nothing.
void SlotMap::drop_idle_owners() {
  std::vector<bool> is_busy(owners_.size());
  for (const Place& place : places_)
    if (place.owner != kNobody) is_busy[place.owner] = true;
  std::vector<Owner> busy;
  for (std::size_t i = 0; i < owners_.size(); ++i)
    if (is_busy[i]) busy.push_back(owners_[i]);
  std::ranges::sort(busy);
  busy.erase(std::ranges::unique(busy).begin(), busy.end());
  std::vector<std::uint16_t> place_of(owners_.size());
  for (std::size_t i = 0; i < owners_.size(); ++i)
    place_of[i] =
        static_cast<std::uint16_t>(std::ranges::lower_bound(busy, owners_[i]) - busy.begin());
  for (Place& place : places_)
    if (place.owner != kNobody) place.owner = place_of[place.owner];
  owners_ = std::move(busy);
}

SlotSet changed_slots(const SlotMap& before, const SlotMap& after) {
  SlotSet out;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    out[slot] = before.epoch_of(slot) != after.epoch_of(slot);
  return out;
}

Result<void> check_successor(const SlotMap& before, const SlotMap& after) {
  if (after.version() != before.version() + 1)
    return fail(Errc::kInvalidArgument, "version " + std::to_string(after.version()) + " after " +
                                            std::to_string(before.version()));
  // A session has one node; then it is enough to compare sessions below.
  for (const Owner& owner : after.owners()) {
    const auto known = std::ranges::find(before.owners(), owner.session, &Owner::session);
    if (known != before.owners().end() && *known != owner)
      return fail(Errc::kInvalidArgument, "session of " + known->node + " and " + owner.node);
  }
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    const Owner *was = before.owner_of(slot), *is = after.owner_of(slot);
    const bool kept =
        after.epoch_of(slot) == before.epoch_of(slot) &&
        (was == nullptr ? is == nullptr : is != nullptr && was->session == is->session);
    if (!kept && (is == nullptr || after.epoch_of(slot) != after.version()))
      return fail(Errc::kInvalidArgument, "slot " + std::to_string(slot));
  }
  return {};
}

void encode(std::string& out, const SlotMap& map) {
  put_fixed(out, kFormat);
  put_varint(out, map.version_);
  put_varint(out, map.owners_.size());
  for (const Owner& owner : map.owners_) {
    put_text(out, owner.node);
    put_fixed(out, owner.session);
  }
  for (std::size_t slot = 0; slot < kSlots;) {
    const SlotMap::Place& place = map.places_[slot];
    std::size_t run = 1;
    while (slot + run < kSlots && map.places_[slot + run] == place) ++run;
    put_varint(out, run);
    put_varint(out, place.owner == SlotMap::kNobody ? 0 : place.owner + 1U);
    put_varint(out, map.version_ - place.epoch);
    slot += run;
  }
  put_text(out, {});  // extension
}

Result<SlotMap> decode_slot_map(std::string_view bytes) {
  Reader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  if (in.ok() && format > kFormat)
    return fail(Errc::kCorrupt,
                "slot map was written by a newer release (format " + std::to_string(format) + ")");
  SlotMap map;
  map.version_ = in.varint();
  const std::uint64_t owners = in.varint();
  bool good = format == kFormat && owners <= kSlots;
  for (std::uint64_t i = 0; good && in.ok() && i < owners; ++i) {
    Owner owner{.node = std::string(in.text(kIdBytesMax)), .session = in.fixed<std::uint64_t>()};
    good = is_id(owner.node) && owner.session != 0 &&
           (map.owners_.empty() || map.owners_.back() < owner);
    map.owners_.push_back(std::move(owner));
  }
  for (std::size_t slot = 0; good && in.ok() && slot < kSlots;) {
    const std::uint64_t run = in.varint(), owner = in.varint(), age = in.varint();
    const bool owned = owner != 0;
    // Somebody's since a version there was, or nobody's since ever.
    good = run > 0 && run <= kSlots - slot && owner <= owners && age <= map.version_ &&
           owned == (age < map.version_);
    if (!good) break;
    const SlotMap::Place place{
        .epoch = map.version_ - age,
        .owner = owned ? static_cast<std::uint16_t>(owner - 1) : SlotMap::kNobody};
    std::ranges::fill_n(map.places_.begin() + static_cast<std::ptrdiff_t>(slot),
                        static_cast<std::ptrdiff_t>(run), place);
    slot += run;
  }
  in.text();  // extension
  std::vector<std::uint64_t> sessions;
  sessions.reserve(map.owners_.size());
  for (const Owner& owner : map.owners_) sessions.push_back(owner.session);
  std::ranges::sort(sessions);
  good = good && std::ranges::adjacent_find(sessions) == sessions.end();
  const std::vector<Owner> named = map.owners_;
  if (good && in.ok()) map.drop_idle_owners();
  if (!good || !in.ok() || !in.done() || map.owners_ != named)
    return fail(Errc::kCorrupt, "slot map of " + std::to_string(bytes.size()) + " bytes");
  return map;
}

}  // namespace playhead
