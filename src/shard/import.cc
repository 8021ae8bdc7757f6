// What exports and imports ask of memory.
#include "shard/shard.h"

namespace playhead {

std::vector<StoredView> Shard::views_in_memory(const AccountRef& ref) {
  std::vector<StoredView> out;
  Account* account = table_.find_account(ref.tenant, ref.account);
  if (account == nullptr) return out;
  table_.each_of(*account, [&](Entry& entry) { out.push_back(stored(entry)); });
  return out;
}

bool Shard::holds(const AccountRef& ref, std::string_view view) {
  return table_.find(slot_of(ref.tenant, ref.account), ref.tenant, ref.account, view) != nullptr;
}

}  // namespace playhead
