// Start, poll, kill.
#include "sim/process.h"

#include "base/assert.h"

namespace playhead::sim {
namespace {

// The shards have to be there before a service can be made over them.
ShardThreads& made(ShardThreads& shards, ShardParts parts, const ShardOptions& options) {
  shards.make(std::move(parts), options);
  return shards;
}

}  // namespace

Process::Process(const Parts& parts)
    : threads_(parts.shards),
      journal_(*parts.disk, *parts.timeline, *parts.faults),
      store_(*parts.rows, *parts.timeline, *parts.faults),
      service_(made(shards_,
                    {.boot = parts.boot,
                     .hash_seed = parts.boot * 0x9e3779b97f4a7c15,  // or all would draw the same
                     .journal = &journal_,
                     .store = &store_,
                     .clock = parts.timeline,
                     .inbox = parts.inbox,
                     .owners = parts.owners,
                     .fresh = parts.fresh,
                     .executor = {},
                     .fatal = [this](const Error&) { stopped_ = true; }},
                    parts.options),
               store_, *parts.timeline, parts.options, parts.others),
      checkpointer_(shards_, journal_, store_, *parts.timeline, parts.options) {
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    const auto read = shards_.shard(i).replay(nullptr);
    PLAYHEAD_ASSERT(read.has_value());
  }
}

Process::~Process() { kill(); }

void Process::pump() {
  for (bool busy = true; busy;) {
    busy = false;
    for (std::size_t i = 0; i < threads_.count(); ++i) busy |= threads_.context(i).poll() > 0;
  }
}

void Process::tick() {
  for (std::size_t i = 0; i < shards_.count(); ++i) shards_.shard(i).tick();
}

void Process::checkpoint() {
  if (checkpointing_) return;
  checkpointing_ = true;
  // A failed step is tried again; what it left undone stays in the journal.
  start(0, checkpointer_.step(), [this](const Result<void>&) { checkpointing_ = false; });
}

Result<void> Process::finish() {
  PLAYHEAD_ASSERT(!checkpointing_);
  return run(0, checkpointer_.finish());
}

void Process::kill() {
  if (!alive_) return;
  alive_ = false;
  journal_.kill();
  store_.kill();
  pump();
}

}  // namespace playhead::sim
