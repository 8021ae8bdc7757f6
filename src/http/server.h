// The HTTP/1.1 server: a listener for each shard thread on one port (SO_REUSEPORT), so that a
// connection lives on the thread that accepted it.
//
// Operation: make, listen(), set_ready(true) once the shards have replayed; at the end stop(), and
//   only then Threads::stop(). Connections are accepted when the threads run.
// Concurrency: listen() and stop() from the thread that made it, which is no shard thread; the rest
//   from any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <atomic>
#include "auth/authenticator.h"
#include "base/result.h"
#include "http/figures.h"

#include "http/metrics.h"
#include "http/options.h"
#include "ingest/options.h"
#include "runtime/clock.h"
#include "service/backup.h"
#include "service/load_exchange.h"
#include "service/service.h"
#include "service/transfer.h"
#include "shard/shard_threads.h"

namespace playhead {

/// What a server serves with. All of it must outlive the threads' run.
struct ServerParts {
  ShardThreads* shards = nullptr;
  Service* service = nullptr;
  Transfer* transfer = nullptr;
  BackupService* backups = nullptr;
  const Authenticator* authenticator = nullptr;
  const Clock* clock = nullptr;
  Others others;  ///< in a cluster
  std::string node = "local";
  /// In a cluster: what this node knows of it. From any thread.
  std::function<std::shared_ptr<const LeaseStatus>()> cluster;
  /// The same of what its nodes say of themselves.
  std::function<std::shared_ptr<const AllFigures>()> figures;
  std::uint64_t boot = 0;  ///< differs at each start: event ids of streams begin with it
  Instant started_at;      ///< of this process
  /// Adds the families of what HTTP does not know (journal, store, process) to /metrics. Called on
  /// a shard's thread at each scrape: must not block.
  std::function<void(MetricsText&)> collect;
};

class Worker;
struct Shared;

class Server {
 public:
  Server(const ServerParts& parts, HttpOptions options, IngestOptions ingest);
  ~Server();

  /// Binds `options.listen` and, if given, `options.admin_listen`, and starts to accept. With a
  /// certificate both speak TLS, but for operators on loopback.
  /// Errors: invalid_argument (no such address; not loopback though there are no keys; those of
  /// TlsContext::open), unavailable (the port is taken), not_found (no demo titles where they
  /// should be). The detail says what to do.
  Result<void> listen();

  /// Looks whether the certificate has changed, once it listens. True: it has, and new connections
  /// get it. Errors: it has, and can't be used; the one from before holds on.
  Result<bool> refresh_certificate();

  /// Answers a request that another node passed on; on one of the server's threads. From any
  /// thread.
  void take_passed_on(std::string message, PeerAnswer answer);

  /// The ports bound by listen(); 0 where there is none.
  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  /// When the certificate ends; nothing without TLS.
  std::optional<Instant> certificate_expires_at() const;

  /// Until it is ready, /readyz and everything that needs the shards answer 503 with `detail` (as
  /// in "the journal is being read: frame 12000 of 80000"). /livez answers 200 from the first
  /// moment.
  void set_ready(bool ready, std::string detail = {});

  /// Stops accepting, lets the requests in flight finish, ends streams, and closes all connections;
  /// returns when they are gone, or after `stop_timeout_ms`, when the rest is cut off.
  void stop();

  /// One a thread.
  std::vector<const HttpFigures*> figures() const;

 private:
  Result<std::uint16_t> bind(const std::string& listen, bool admin);

  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::uint16_t port_ = 0, admin_port_ = 0;
  bool stopped_ = false;
  std::atomic<std::size_t> next_worker_ = 0;
};

}  // namespace playhead
