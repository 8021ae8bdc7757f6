// The slot map's row, as any node or release may have left it: whatever decodes is a map whose
// slots have at most one owner, and survives encoding, and being replaced.
#include "base/assert.h"
#include "cluster/slot_map.h"

namespace playhead::fuzz {
namespace {

std::string bytes_of(const SlotMap& map) {
  std::string out;
  encode(out, map);
  return out;
}

void check_one(std::string_view bytes) {
  const auto map = decode_slot_map(bytes);
  if (!map) return;
  const std::string once = bytes_of(*map);
  const auto back = decode_slot_map(once);
  PLAYHEAD_ASSERT(back.has_value() && *back == *map && bytes_of(*back) == once);
  SlotSet owned;
  for (const Owner& owner : map->owners()) {
    const SlotSet slots = map->slots_of(owner.session);
    PLAYHEAD_ASSERT(slots.any() && (owned & slots).none());
    owned |= slots;
  }
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    PLAYHEAD_ASSERT(owned[slot] == (map->owner_of(slot) != nullptr));
    PLAYHEAD_ASSERT(map->epoch_of(slot) <= map->version());
  }
  if (map->version() == ~std::uint64_t{0}) return;
  const Owner taker{.node = "taker", .session = 1};
  const Move move{.slot = static_cast<std::uint16_t>(bytes.size() % kSlots), .to = 0};
  const SlotMap next = map->with({&move, 1}, {&taker, 1});
  PLAYHEAD_ASSERT(check_successor(*map, next).has_value() || !map->slots_of(1).none());
  PLAYHEAD_ASSERT(!check_successor(next, *map).has_value());
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::check_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
