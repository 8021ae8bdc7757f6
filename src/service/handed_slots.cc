// A format number, then each slot with its epoch and its accounts.
#include "service/handed_slots.h"

#include "record/bytes.h"
#include "shard/shard.h"

namespace playhead {
namespace {

constexpr std::uint8_t kFormat = 1;

}  // namespace

void HandedSlots::add(std::uint64_t flush, std::vector<HandedSlot> slots) {
  if (flush != flush_) return;
  for (HandedSlot& one : slots) {
    const std::uint16_t slot = one.slot;
    slots_[slot] = std::move(one);
  }
}

std::vector<HandedSlot> HandedSlots::take(const SlotMap& before, const SlotMap& after,
                                          std::uint64_t to) {
  std::vector<HandedSlot> out;
  for (auto it = slots_.begin(); it != slots_.end();) {
    const auto here = it++;
    const std::uint16_t slot = here->first;
    if (before.epoch_of(slot) != here->second.epoch) {  // somebody has had it since
      slots_.erase(here);
      continue;
    }
    const Owner* owner = after.owner_of(slot);
    if (owner == nullptr || owner->session != to || after.epoch_of(slot) == before.epoch_of(slot))
      continue;
    out.push_back(std::move(slots_.extract(here).mapped()));
    out.back().epoch = after.epoch_of(slot);
  }
  return out;
}

std::string encode_handed(std::span<const HandedSlot> slots) {
  std::string out(1, static_cast<char>(kFormat));
  for (const HandedSlot& one : slots) {
    put_varint(out, one.slot);
    put_varint(out, one.epoch);
    put_text(out, one.accounts);
  }
  return out;
}

Task<Result<std::string>> take_handed(ShardThreads& shards, std::string bytes) {
  Reader in(bytes);
  if (in.fixed<std::uint8_t>() != kFormat)
    co_return fail(Errc::kUnavailable, "accounts in a format that is not known here");
  std::vector<HandedSlot> slots;
  while (in.ok() && !in.done()) {
    HandedSlot& one = slots.emplace_back();
    one.slot = in.narrow<std::uint16_t>();
    one.epoch = in.varint();
    one.accounts = in.text();
    if (one.slot >= kSlots) co_return fail(Errc::kUnavailable, "accounts of no slot");
  }
  if (!in.ok()) co_return fail(Errc::kUnavailable, "accounts that are cut short");
  for (HandedSlot& one : slots) {
    const std::size_t index = one.slot % shards.count();
    shards.threads().post(index, [&shard = shards.shard(index), one = std::move(one)]() mutable {
      shard.take_handed(std::move(one));
    });
  }
  co_return std::string();
}

}  // namespace playhead
