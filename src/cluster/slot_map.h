// Which node owns which slot: one versioned row, replaced whole by compare-and-set on its version.
//
// Invariants: a slot has at most one owner. A slot's epoch is the version of the map that gave it
// to its owner: epochs only grow, and an epoch of a slot has one owner, ever. Pure; a map is
// changed by making its successor.
#pragma once

#include <bitset>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/ids.h"

namespace playhead {

using SlotSet = std::bitset<kSlots>;

/// One life of a node in the cluster, from a join to its end. What has ended never comes back: the
/// node joins again under another number.
struct Owner {
  std::string node;           ///< an id; where it is reached stands in its row
  std::uint64_t session = 0;  ///< drawn at the join; never 0

  friend auto operator<=>(const Owner&, const Owner&) = default;
};

/// `slot` is to belong to `takers[to]`, of the list that comes with it.
struct Move {
  std::uint16_t slot = 0;
  std::uint16_t to = 0;

  friend bool operator==(const Move&, const Move&) = default;
};

class SlotMap {
 public:
  /// Version 0, which no row holds: nobody owns anything.
  SlotMap() : places_(kSlots) {}

  std::uint64_t version() const { return version_; }
  /// Those that own a slot, in order.
  std::span<const Owner> owners() const { return owners_; }
  /// Null if the slot has none.
  const Owner* owner_of(std::uint16_t slot) const {
    const std::uint16_t owner = places_[slot].owner;
    return owner == kNobody ? nullptr : &owners_[owner];
  }
  /// 0 if the slot has no owner.
  std::uint64_t epoch_of(std::uint16_t slot) const { return places_[slot].epoch; }
  SlotSet slots_of(std::uint64_t session) const;

  /// The next version, with `moves` made. At most one move a slot.
  SlotMap with(std::span<const Move> moves, std::span<const Owner> takers) const;

  friend bool operator==(const SlotMap&, const SlotMap&) = default;

 private:
  static constexpr std::uint16_t kNobody = 0xffff;

  struct Place {
    std::uint64_t epoch = 0;
    std::uint16_t owner = kNobody;  // in owners_
    friend bool operator==(const Place&, const Place&) = default;
  };

  void drop_idle_owners();

  friend void encode(std::string& out, const SlotMap& map);
  friend Result<SlotMap> decode_slot_map(std::string_view bytes);

  std::uint64_t version_ = 0;
  std::vector<Owner> owners_;  // sorted, each with a slot
  std::vector<Place> places_;  // kSlots
};

/// The slots that changed hands between two versions, whichever way and however often.
SlotSet changed_slots(const SlotMap& before, const SlotMap& after);

/// Whether `after` may replace `before`: the next version, in which each slot keeps owner and
/// epoch, or has an owner of the new epoch. Errors: invalid_argument, naming the slot.
Result<void> check_successor(const SlotMap& before, const SlotMap& after);

/// Appends `map` as docs/formats.md has it: some 3 bytes for each change of owner or epoch from one
/// slot to the next.
void encode(std::string& out, const SlotMap& map);

/// Errors: corrupt (not a map, or one that a newer release wrote).
Result<SlotMap> decode_slot_map(std::string_view bytes);

}  // namespace playhead
