// One life of the server: shards, service, checkpoints, over the disk and the rows that outlive it.
//
// Operation: its event loops are polled by hand, in turn, until nothing is left to do at this
//   moment. kill() takes disk and store away, lets what waited end unheard, and that is the crash.
// Concurrency: one thread.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "service/checkpoint.h"
#include "service/service.h"
#include "sim/sim_journal.h"
#include "sim/sim_store.h"

namespace playhead::sim {

class Process {
 public:
  struct Parts {
    Timeline* timeline;
    Faults* faults;
    Disk* disk;
    Rows* rows;
    std::uint64_t boot;
    std::size_t shards;
    ShardOptions options;
    // Of a node of a cluster only.
    Inbox* inbox = nullptr;
    Inbox* owners = nullptr;
    const FreshSlots* fresh = nullptr;
    Others others;
  };

  /// Starts up: reads the journal.
  explicit Process(const Parts& parts);
  ~Process();

  Service& service() { return service_; }
  ShardThreads& shards() { return shards_; }
  SimStore& store() { return store_; }
  SimJournal& journal() { return journal_; }
  Checkpointer& checkpointer() { return checkpointer_; }
  Shard& shard_of(const AccountRef& ref) { return shards_.shard(index_of(ref)); }
  std::size_t index_of(const AccountRef& ref) const {
    return shards_.owner_of(ref.tenant, ref.account);
  }

  /// Does all there is to do at this moment.
  void pump();
  void tick();
  /// A step of the checkpoint if none is under way.
  void checkpoint();
  /// Everything to the store, and the journal dropped. To be called when nothing else goes on.
  Result<void> finish();
  /// The journal failed: the process asks to be stopped.
  bool stopped() const { return stopped_; }
  /// Nothing it does from now on reaches anybody.
  void kill();
  bool alive() const { return alive_; }

  /// Starts `task` on the thread of shard `index`; `then` gets its value, unless the process is
  /// killed before.
  template <typename T, typename Then>
  void start(std::size_t index, Task<T> task, Then then) {
    boost::asio::co_spawn(
        threads_.executor(index), std::move(task),
        [this, then = std::move(then)](std::exception_ptr error, T value) mutable {
          if (error) std::rethrow_exception(error);
          if (alive_) then(std::move(value));
        });
  }
  /// What becomes of the reports, which shard `here`'s thread hands over, as that of a connection
  /// does. Their texts outlive it.
  Task<Result<BatchOutcome>> submit(std::size_t here, std::string_view tenant,
                                    std::vector<Report> reports) {
    co_return co_await service_.submit(here, tenant, reports).outcome();
  }
  /// Drives `task` to its end; only while the faults are calm, for then nothing waits.
  template <typename T>
  T run(std::size_t index, Task<T> task) {
    std::optional<T> out;
    start(index, std::move(task), [&](T value) { out = std::move(value); });
    pump();
    return std::move(out).value();
  }

 private:
  Threads threads_;
  SimJournal journal_;
  SimStore store_;
  ShardThreads shards_{threads_};
  Service service_;
  Checkpointer checkpointer_;
  bool stopped_ = false, alive_ = true, checkpointing_ = false;
};

}  // namespace playhead::sim
