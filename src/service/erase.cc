// Erasing an account or a profile, with a receipt.
#include "service/on_owner.h"

namespace playhead {
namespace {

// A frame goes within one checkpoint interval, and its file within another; the store's files are
// rewritten meanwhile.
constexpr Millis kIntervalsUntilGone = 2;

}  // namespace

Task<Result<Receipt>> Service::erase(AccountRef account, std::string profile) {
  const std::size_t owner = shards_.owner_of(account.tenant, account.account);
  Receipt receipt{.mark = show_erasure_key(erasure_key(account.tenant, account.account, profile))};
  auto erased =
      co_await on_owner(owner, shards_.shard(owner).erase(std::move(account), std::move(profile)));
  if (!erased) co_return std::unexpected(erased.error());
  receipt.erased_at = *erased;
  receipt.gone_by = clock_.now() + kIntervalsUntilGone * options_.checkpoint_interval_ms;
  co_return receipt;
}

}  // namespace playhead
