// A whole server in one process: the embedded product. The only place where adapters meet.
//
// Operation: open(), then listen(), replay() and run_timers(); at the end stop(). From listen() on
//   /livez answers; everything else waits for replay().
// Concurrency: every call from one thread, which is none of the shards'.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/authenticator.h"
#include "cli/cluster_node.h"
#include "config/config.h"
#include "http/server.h"
#include "journal/rocksdb/rocks_journal.h"
#include "journal/rocksdb/status.h"
#include "runtime/clock.h"
#include "runtime/threads.h"
#include "service/backup.h"
#include "service/checkpoint.h"
#include "service/service.h"
#include "service/transfer.h"
#include "shard/shard_threads.h"
#include "store/rocksdb/rocks_store.h"

namespace playhead {

class Node {
 public:
  /// Opens the data directory, or makes it. `fatal` is called on a shard's thread when the journal
  /// has failed to sync: nothing may be acknowledged any more, the process must end.
  ///
  /// Errors: those of TokenAuthenticator::open, take_data, RocksJournal::open, RocksStore::open and
  /// RocksStore::open_backups.
  static Result<std::unique_ptr<Node>> open(const Config& config,
                                            std::function<void(const Error&)> fatal);
  ~Node();

  /// Binds and answers /livez. Errors: those of Server::listen.
  Result<void> listen();
  /// Reads the journal into memory; then the node is ready. `progress` is called now and then with
  /// the frame just read and the last one, on the calling thread.
  /// Errors: corrupt.
  Result<void> replay(const std::function<void(FrameNumber, FrameNumber)>& progress);
  /// Lets time pass for the shards, and is ready.
  void run_timers();
  /// In a cluster: joins it, and answers other nodes. Errors: unavailable (the port is taken).
  Result<void> join();
  /// One step of the steady checkpoint; blocks. To be called about every second. Errors: the
  /// store's; a later step makes up for it.
  Result<void> checkpoint();
  /// Looks whether the keys of tokens have changed. True: they have, and hold from now on. Errors:
  /// they have, and can't be used; those from before hold on.
  Result<bool> refresh_keys() { return authenticator_->refresh(); }
  /// The same for the certificate.
  Result<bool> refresh_certificate() { return server_->refresh_certificate(); }
  /// Answers what is in flight, hands everything to the store, and stops. Errors: the store's;
  /// nothing is lost, the next start replays more.
  Result<void> stop();

  Server& server() { return *server_; }
  std::size_t threads() const { return threads_->count(); }
  /// Callers must show tokens.
  bool guards() const { return authenticator_->guards(); }

 private:
  explicit Node(const Config& config);
  Result<void> make_authenticator();
  Result<void> open_disk();
  Result<void> open_store();
  void open_services(std::function<void(const Error&)> fatal);
  void answer_peer(PeerCall call, std::string bytes, PeerAnswer answer);
  Task<> keep_time(std::size_t index);
  Task<> keep_purging();
  Result<void> run(Task<Result<void>> task);
  void collect(MetricsText& out) const;

  Config config_;
  SystemClock clock_;
  Instant started_at_;
  std::optional<DirectoryLock> lock_;  ///< of the data directory; goes last
  std::unique_ptr<RocksJournal> journal_;
  // One of the two.
  std::unique_ptr<RocksStore> rocks_;
  std::unique_ptr<ClusterParts> parts_;
  Store* store_ = nullptr;
  std::unique_ptr<Archive> no_archive_;  ///< in a cluster
  std::unique_ptr<Backups> backups_;     ///< null: no directory is set for them
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Threads> threads_;
  std::unique_ptr<ClusterNode> cluster_;  ///< null: all slots are this process's
  std::unique_ptr<ShardThreads> shards_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Transfer> transfer_;
  std::unique_ptr<BackupService> backup_service_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Server> server_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> next_shard_ = 0;
  std::vector<std::atomic<bool>> idle_;  ///< by shard: its timer has ended
};

}  // namespace playhead
