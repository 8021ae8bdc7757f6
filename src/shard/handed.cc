// Accounts that go with their slots from one owner to the next, when slots are given in order.
//
// What the store has is taken as if it had been read there, for between the two owners nobody
// writes it. What it does not have is on its way to the new owner as a part, too (slots.cc): until
// that is folded, what came along counts as taken from the inbox.
#include <unordered_set>

#include "base/assert.h"
#include "record/bytes.h"
#include "record/inbox.h"
#include "shard/shard.h"

namespace playhead {
namespace {

constexpr std::size_t kHandedBytesMax = 32u << 20;  // of what waits for its slots
constexpr Millis kHandedMs = 5'000;                 // that it waits

struct HandedView {
  StoredView view;
  bool in_store = false;  ///< as it is
};

struct HandedAccount {
  std::string_view tenant, account;
  std::vector<HandedView> views;
};

// The first of `bytes`, which go on behind it.
Result<HandedAccount> next_handed(std::string_view& bytes) {
  Reader in(bytes);
  HandedAccount out{.tenant = in.text(), .account = in.text(), .views = {}};
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const bool in_store = in.fixed<std::uint8_t>() != 0;
    auto view = decode_inbox(in.text());
    if (!view) return std::unexpected(std::move(view.error()));
    out.views.push_back({.view = *std::move(view), .in_store = in_store});
  }
  if (!in.ok()) return fail(Errc::kCorrupt, "an account that was handed over is cut short");
  bytes = in.rest();
  return out;
}

}  // namespace

// Nothing of it is on its way to the store. What that lacks is only what nobody was to wait for,
// and goes to the next owner as parts: of a change whose writing is awaited he would not know that.
bool Shard::may_go(const Account& account) {
  bool out = account.loaded && account.erasures.empty();
  table_.each_of(account, [&](const Entry& entry) {
    const bool told = entry.indexed && !awaits_store(entry) && !entry.unstored;
    out = out && told && !entry.flushing && !entry.part && (entry.dirty || !entry.folded);
  });
  return out;
}

std::vector<HandedSlot> Shard::gather_handed(const std::vector<std::uint16_t>& slots) {
  std::vector<HandedSlot> out;
  std::size_t bytes = 0;
  for (const std::uint16_t slot : slots) {
    if (slots_[slot].foreign) continue;  // memory has parts of it
    HandedSlot its{.slot = slot, .epoch = slots_[slot].epoch, .accounts = {}};
    std::unordered_set<const Account*> seen;
    table_.each_in_slot(slot, [&](const Entry& entry) {
      const Ids ids = entry.ids.get();
      const Account* account = table_.find_account(ids.tenant, ids.account);
      PLAYHEAD_ASSERT(account != nullptr);
      if (seen.insert(account).second && may_go(*account)) put_account(its.accounts, *account);
    });
    bytes += its.accounts.size();
    if (bytes > kHandedBytesMax) break;
    if (!its.accounts.empty()) out.push_back(std::move(its));
  }
  return out;
}

void Shard::put_account(std::string& out, const Account& account) {
  std::string views;
  std::uint64_t count = 0;
  table_.each_of(account, [&](const Entry& entry) {
    const bool in_store = !entry.dirty;     // as may_go() has seen to it
    if (in_store && !entry.listed) return;  // as of one that is read: only what is active
    views.push_back(in_store ? 1 : 0);
    put_text(views, encode_inbox(stored_for_others(entry)));
    ++count;
  });
  if (count == 0) return;
  put_text(out, account.tenant);
  put_text(out, account.account);
  put_varint(out, count);
  out += views;
}

void Shard::take_handed(HandedSlot handed) {
  PLAYHEAD_ASSERT(owns(handed.slot));
  // Who has owned the slot under this epoch may have stored newer rows since, and forgotten them.
  if (!in_cluster() || handed.epoch <= slots_[handed.slot].owned_as) return;
  if (handed_bytes_ + handed.accounts.size() > kHandedBytesMax) return;
  forget_handed(handed.slot);
  handed_bytes_ += handed.accounts.size();
  const std::uint16_t number = handed.slot;
  handed_[number] = {.handed = std::move(handed),
                     .until_ms = parts_.clock->monotonic_ms() + kHandedMs};
}

void Shard::forget_handed(std::uint16_t number) {
  const auto found = handed_.find(number);
  if (found == handed_.end()) return;
  handed_bytes_ -= found->second.handed.accounts.size();
  handed_.erase(found);
}

void Shard::forget_late_handed() {
  const Millis now_ms = parts_.clock->monotonic_ms();
  for (auto it = handed_.begin(); it != handed_.end();)
    if (const auto here = it++; here->second.until_ms <= now_ms) forget_handed(here->first);
}

// The slot has just become owned.
void Shard::adopt_handed(std::uint16_t number) {
  const auto found = handed_.find(number);
  if (found == handed_.end()) return;
  const HandedSlot handed = std::move(found->second.handed);
  handed_bytes_ -= handed.accounts.size();
  handed_.erase(found);
  if (handed.epoch != slots_[number].epoch) return;  // another had it in between
  for (std::string_view rest = handed.accounts; !rest.empty();) {
    auto one = next_handed(rest);
    if (!one) return;
    if (slot_of(one->tenant, one->account) != number) continue;
    Account& account = table_.account(one->tenant, one->account);
    if (account.loaded) continue;
    ++figures_.handed;
    for (auto& [view, in_store] : one->views) {
      const Ids ids = view.ids.get();
      if (table_.find(account, ids.view) != nullptr) continue;
      Entry& entry = adopt(account, std::move(view), Word::kHanded);
      if (in_store) continue;
      entry.indexed = false;
      entry.folded = true;
      mark_dirty(entry);
    }
    account.loaded = true;
  }
}

}  // namespace playhead
