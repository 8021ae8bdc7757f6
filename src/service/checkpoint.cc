// Sweep, settle, drop: in this order, or a crash in between loses what only the journal had.
#include "service/checkpoint.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace playhead {
namespace {

// A settle costs the store a flush: this many of them a checkpoint interval.
constexpr Millis kSettlesPerInterval = 10;

// Erasures of each shard so far, in all.
Task<std::uint64_t> erasures_of(Shard& shard) { co_return shard.figures().erasures; }

Task<FrameNumber> low_water_of(Shard& shard) { co_return shard.low_water(); }

}  // namespace

Checkpointer::Checkpointer(ShardThreads& shards, Journal& journal, Store& store, const Clock& clock,
                           const ShardOptions& options)
    : shards_(shards),
      journal_(journal),
      store_(store),
      clock_(clock),
      settle_interval_ms_(options.checkpoint_interval_ms / kSettlesPerInterval),
      journal_bytes_high_(options.journal_bytes_max / 2),
      settled_ms_(clock.monotonic_ms()) {}

Task<Result<void>> Checkpointer::step() {
  Result<void> swept = co_await hand_over();
  if (auto dropped = co_await drop_if_due(); !dropped) co_return dropped;
  co_return swept;
}

Task<Result<void>> Checkpointer::hand_over() {
  Result<void> swept = co_await sweep(false);
  if (auto rolled = co_await roll_if_erased(); !rolled) co_return rolled;
  co_return swept;
}

Task<Result<void>> Checkpointer::drop_if_due() {
  // A journal that fills up is dropped as soon as it can be, but not with a flush at every step.
  const bool full = journal_.bytes() > journal_bytes_high_;
  const Millis interval = full ? settle_interval_ms_ / kSettlesPerInterval : settle_interval_ms_;
  if (clock_.monotonic_ms() - settled_ms_ < interval) co_return Result<void>{};
  co_return co_await drop();
}

// What was erased leaves the disk with the file that holds its frames, so that file ends here.
Task<Result<void>> Checkpointer::roll_if_erased() {
  std::uint64_t erasures = 0;
  for (std::size_t i = 0; i < shards_.count(); ++i)
    erasures += co_await boost::asio::co_spawn(
        shards_.threads().executor(i), erasures_of(shards_.shard(i)), boost::asio::use_awaitable);
  if (std::exchange(erasures_, erasures) == erasures) co_return Result<void>{};
  co_return journal_.roll();
}

Task<Result<void>> Checkpointer::finish() {
  if (auto swept = co_await hand_over_all(); !swept) co_return swept;
  co_return co_await drop();
}

Task<Result<void>> Checkpointer::hand_over_all() {
  if (auto swept = co_await sweep(true); !swept) co_return swept;
  co_return co_await roll_if_erased();
}

// What could not be handed over is above the low water, and read at the next start.
Task<Result<void>> Checkpointer::finish_unsettled() {
  Result<void> swept = co_await hand_over_all();
  const FrameNumber low = co_await low_water();
  if (auto noted = journal_.note_stored(low - 1); !noted) co_return noted;
  co_return swept;
}

// A shard that can't hand over does not keep the others from it.
Task<Result<void>> Checkpointer::sweep(bool all) {
  Result<void> result;
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    Shard& shard = shards_.shard(i);
    Result<void> swept = co_await boost::asio::co_spawn(shards_.threads().executor(i),
                                                        all ? shard.sweep_all() : shard.sweep_due(),
                                                        boost::asio::use_awaitable);
    if (!swept && result) result = std::move(swept);
  }
  co_return result;
}

// The oldest frame that tells of what a shard has not handed over.
Task<FrameNumber> Checkpointer::low_water() {
  FrameNumber low = journal_.extent().last + 1;
  for (std::size_t i = 0; i < shards_.count(); ++i)
    low = std::min(low, co_await boost::asio::co_spawn(shards_.threads().executor(i),
                                                       low_water_of(shards_.shard(i)),
                                                       boost::asio::use_awaitable));
  co_return low;
}

Task<Result<void>> Checkpointer::drop() {
  const FrameNumber low = co_await low_water();
  if (low > journal_.extent().first) {
    if (auto settled = co_await store_.settle(); !settled) co_return settled;
    if (auto dropped = journal_.drop_through(low - 1); !dropped) co_return dropped;
  }
  settled_ms_ = clock_.monotonic_ms();
  co_return Result<void>{};
}

}  // namespace playhead
