// Changes of an account's viewers on their way to its streams: starts, ends and changes of state at
// once, positions once a second. Accounts without streams cost one look-up.
#include <algorithm>

#include "shard/shard.h"

namespace playhead {

void Shard::publish(const Entry& entry, const ViewersEvent& event) {
  if (replaying_ || figures_.streams == 0) return;
  const Ids ids = entry.ids.get();
  Account* account = table_.find_account(ids.tenant, ids.account);
  if (account == nullptr || account->channels.empty()) return;
  const auto shared = std::make_shared<const ViewersEvent>(event);
  std::erase_if(account->channels, [&](const std::shared_ptr<Channel>& channel) {
    if (channel->push(shared)) return false;
    --figures_.streams;
    figures_.streams_dropped += channel->dropped();
    return true;
  });
}

void Shard::publish_view(const Entry& entry) {
  if (figures_.streams == 0) return;
  publish(entry, {.kind = ViewersEvent::Kind::kView,
                  .items = {item_of(entry)},
                  .at = entry.view.cursor.at,
                  .view = {},
                  .profile = {},
                  .end_reason = EndReason::kNone});
}

void Shard::publish_end(const Entry& entry, EndReason reason, Instant at) {
  if (figures_.streams == 0) return;
  const Ids ids = entry.ids.get();
  publish(entry, {.kind = ViewersEvent::Kind::kEnd,
                  .items = {},
                  .at = at,
                  .view = std::string(ids.view),
                  .profile = std::string(ids.profile),
                  .end_reason = reason});
}

void Shard::publish_positions() {
  std::vector<std::uint32_t> moved;
  moved.swap(moved_);
  for (const std::uint32_t number : moved) {
    Entry& entry = table_.at(number);
    entry.moved_since = false;
    if (entry.active) publish_view(entry);
    evict_if_idle(entry);  // the wheel may have fired while the position was awaited here
  }
}

void Shard::forget_closed(const AccountRef& ref) {
  Account* account = table_.find_account(ref.tenant, ref.account);
  if (account == nullptr) return;
  figures_.streams -= std::erase_if(account->channels, [](const std::shared_ptr<Channel>& channel) {
    return channel->closed() || channel->dropped();
  });
  table_.release(*account);
}

Result<void> Shard::subscribe(const AccountRef& ref, const std::shared_ptr<Channel>& channel) {
  forget_closed(ref);
  Account& account = table_.account(ref.tenant, ref.account);
  if (account.channels.size() >= options_.subscribers_max)
    return fail(Errc::kOverloaded, "the account has too many streams; close one first");
  std::vector<ViewerItem> items = viewers(ref);  // first, for it tells the others of ends
  account.channels.push_back(channel);
  ++figures_.streams;
  channel->push(
      std::make_shared<const ViewersEvent>(ViewersEvent{.kind = ViewersEvent::Kind::kSnapshot,
                                                        .items = std::move(items),
                                                        .at = now(),
                                                        .view = {},
                                                        .profile = {},
                                                        .end_reason = EndReason::kNone}));
  return {};
}

}  // namespace playhead
