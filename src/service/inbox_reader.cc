// Each bucket page by page.
#include "service/inbox_reader.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "runtime/side_by_side.h"
#include "service/fold_parts.h"

namespace playhead {
namespace {

Task<bool> owns_any(Shard& shard, std::uint16_t bucket) {
  for (unsigned slot = bucket; slot < kSlots; slot += kInboxBuckets)
    if (shard.owns(static_cast<std::uint16_t>(slot)) &&
        !shard.is_foreign(static_cast<std::uint16_t>(slot)))
      co_return true;
  co_return false;
}

Task<> tell(Shard& shard, std::uint16_t bucket, Millis began_ms, Instant began) {
  shard.looked(bucket, began_ms, began);
  co_return;
}

}  // namespace

Task<Result<void>> InboxReader::step() {
  Result<void> result;
  std::uint16_t next = 0;
  co_await side_by_side(kBucketsAtOnce, [&](std::size_t) -> Task<> {
    while (next < kInboxBuckets)
      if (auto done = co_await read(next++); !done && result) result = std::move(done);
  });
  co_return result;
}

Task<Result<void>> InboxReader::read(std::uint16_t bucket) {
  auto& threads = shards_.threads();
  bool any = false;
  for (std::size_t i = 0; i < shards_.count(); ++i)
    any = co_await boost::asio::co_spawn(threads.executor(i), owns_any(shards_.shard(i), bucket),
                                         boost::asio::use_awaitable) ||
          any;
  if (!any) co_return Result<void>{};
  const Millis began_ms = clock_.monotonic_ms();
  const Instant began = clock_.now();
  std::optional<InboxKey> after;
  for (bool more = true; more;) {
    auto rows = co_await inbox_.read(bucket, after, kRowsMax);
    if (!rows) co_return std::unexpected(rows.error());
    more = rows->size() == kRowsMax;
    if (rows->empty()) break;
    after = rows->back().key;
    if (auto folded = co_await fold(*std::move(rows)); !folded) co_return folded;
  }
  for (std::size_t i = 0; i < shards_.count(); ++i)
    co_await boost::asio::co_spawn(threads.executor(i),
                                   tell(shards_.shard(i), bucket, began_ms, began),
                                   boost::asio::use_awaitable);
  co_return Result<void>{};
}

Task<Result<void>> InboxReader::fold(std::vector<InboxRow> rows) {
  FoldedParts folded = co_await fold_parts(shards_, std::move(rows), PartsOf::kInbox);
  Result<void> result;
  if (!folded.done.empty()) result = co_await inbox_.remove(std::move(folded.done));
  if (folded.failure) co_return std::unexpected(*std::move(folded.failure));
  co_return result;
}

}  // namespace playhead
