// The maps over a shard's views.
#include "shard/table.h"

#include "base/assert.h"
#include "base/hash.h"

namespace playhead {

Table::Table(std::uint64_t seed) : seed_(seed), accounts_(16, KeyHash{seed}) {}

std::size_t Table::KeyHash::operator()(std::string_view key) const { return hash_bytes(key, seed); }

std::uint64_t Table::hash_of(std::string_view tenant, std::string_view account,
                             std::string_view view) const {
  return hash_bytes(view, hash_bytes(account, hash_bytes(tenant, seed_)));
}

std::string_view Table::key_of(std::string_view tenant, std::string_view account) {
  key_.assign(tenant);
  key_.push_back('\0');
  key_.append(account);
  return key_;
}

Entry* Table::find(const Account& account, std::string_view view) {
  return find(account.slot, account.tenant, account.account, view);
}

Entry* Table::find(std::uint16_t slot, std::string_view tenant, std::string_view account,
                   std::string_view view) {
  const auto found = slots_[slot].find(hash_of(tenant, account, view));
  if (found == slots_[slot].end()) return nullptr;
  for (std::uint32_t number = found->second; number != kNoEntry;) {
    Entry& entry = at(number);
    const Ids ids = entry.ids.get();
    if (ids.view == view && ids.account == account && ids.tenant == tenant) return &entry;
    number = entry.next_same_hash;
  }
  return nullptr;
}

Entry& Table::add(Account& account, const Ids& ids) {
  if (free_.empty()) {
    const auto base = static_cast<std::uint32_t>(blocks_.size()) * kBlock;
    blocks_.push_back(std::make_unique<Entry[]>(kBlock));
    for (std::uint32_t i = kBlock; i-- > 0;) free_.push_back(base + i);
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  Entry& entry = at(number);
  entry = Entry{};
  entry.number = number;
  entry.slot = account.slot;
  entry.ids = PackedIds(ids);
  entry.hash = hash_of(ids.tenant, ids.account, ids.view);
  auto [head, added] = slots_[account.slot].try_emplace(entry.hash, number);
  if (!added) {
    entry.next_same_hash = head->second;
    head->second = number;
  }
  entry.next_in_account = account.first;
  account.first = number;
  ++account.views;
  ++views_;
  return entry;
}

void Table::remove(Account& account, Entry& entry) {
  const auto unlink = [this, &entry](std::uint32_t* link, std::uint32_t Entry::* next) {
    while (*link != entry.number) {
      PLAYHEAD_ASSERT(*link != kNoEntry);
      link = &(at(*link).*next);
    }
    *link = entry.*next;
  };
  unlink(&account.first, &Entry::next_in_account);
  --account.views;
  Map& map = slots_[entry.slot];
  const auto head = map.find(entry.hash);
  PLAYHEAD_ASSERT(head != map.end());
  unlink(&head->second, &Entry::next_same_hash);
  if (head->second == kNoEntry) map.erase(head);
  const std::uint32_t number = entry.number;
  entry = Entry{};
  free_.push_back(number);
  --views_;
}

Account* Table::find_account(std::string_view tenant, std::string_view account) {
  const auto found = accounts_.find(key_of(tenant, account));
  return found == accounts_.end() ? nullptr : found->second.get();
}

Account& Table::account(std::string_view tenant, std::string_view account) {
  if (Account* found = find_account(tenant, account)) return *found;
  auto made = std::make_unique<Account>();
  made->tenant = tenant;
  made->account = account;
  made->slot = slot_of(tenant, account);
  Account& out = *made;
  accounts_.emplace(std::string(key_of(tenant, account)), std::move(made));
  return out;
}

void Table::release(Account& account) {
  if (account.first != kNoEntry || account.busy > 0 || !account.parked.empty() ||
      !account.channels.empty())
    return;
  accounts_.erase(accounts_.find(key_of(account.tenant, account.account)));
}

}  // namespace playhead
