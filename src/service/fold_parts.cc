// All shards at once.
#include "service/fold_parts.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <utility>

#include "runtime/side_by_side.h"

namespace playhead {

Task<FoldedParts> fold_parts(ShardThreads& shards, std::vector<InboxRow> rows, PartsOf of) {
  FoldedParts out;
  std::vector<std::vector<InboxRow>> by_shard(shards.count());
  for (InboxRow& row : rows) by_shard[row.key.slot % shards.count()].push_back(std::move(row));
  co_await side_by_side(shards.count(), [&](std::size_t i) -> Task<> {
    if (by_shard[i].empty()) co_return;
    auto done = co_await boost::asio::co_spawn(
        shards.threads().executor(i), shards.shard(i).fold_parts(std::move(by_shard[i]), of),
        boost::asio::use_awaitable);
    if (done)
      std::ranges::move(*done, std::back_inserter(out.done));
    else if (!out.failure)
      out.failure = std::move(done.error());
  });
  co_return out;
}

}  // namespace playhead
