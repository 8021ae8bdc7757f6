// Cassandra and gRPC behind the ports of a cluster's node.
#include "cli/cluster_parts.h"

#include "cli/cassandra/first_line.h"
#include "cli/cassandra/node_cache.h"
#include "cluster/cassandra/cassandra_lease_rows.h"
#include "peer/grpc/grpc_peer_server.h"
#include "peer/grpc/grpc_peers.h"
#include "store/cassandra/cassandra_inbox.h"
#include "store/cassandra/cassandra_store.h"

namespace playhead {
namespace {

// An empty path has an empty secret.
Result<std::string> secret_of(const std::string& path) {
  return path.empty() ? std::string() : first_line(path, "nothing to be read");
}

CqlOptions ring(CqlOptions options, const RingOptions& config, const std::string& password) {
  options.contacts = config.contacts;
  options.keyspace = config.keyspace;
  options.local_dc = config.local_dc;
  options.user = config.user;
  options.password = password;
  return options;
}

class Parts final : public ClusterParts {
 public:
  Store& store() override {
    return cached_ != nullptr ? static_cast<Store&>(*cached_) : static_cast<Store&>(*store_);
  }
  Inbox& inbox() override { return *inbox_; }
  LeaseRows& rows() override { return *rows_; }
  Peers& peers() override { return *peers_; }
  RowsWritten rows_written() const override {
    return {.store = store_->rows_written(),
            .inbox = inbox_->rows_written(),
            .leases = rows_->rows_written()};
  }

  void set_leases(const FreshSlots& fresh) override {
    if (cached_ == nullptr) return;
    cached_->set_leases([&fresh, this](std::uint16_t slot) -> SlotLease {
      const std::uint64_t epoch = fresh.epoch(slot);
      return {.epoch = epoch,
              .holds = epoch != 0 && fresh.fresh_epoch(slot, clock_->monotonic_ms()) == epoch};
    });
  }
  void collect(MetricsText& out) const override {
    if (cached_ != nullptr) add_cache_figures(out, cached_->figures());
  }

  void close() override {
    store_->close();
    inbox_session_->close();
    rows_->close();
    peers_.reset();
  }

  Result<void> listen(PeerHandler handler) override {
    auto server = GrpcPeerServer::start(listen_, std::move(handler), peer_);
    if (!server) return std::unexpected(server.error());
    server_ = *std::move(server);
    return {};
  }
  void stop_listening() override {
    if (server_) server_->stop();
  }

  Result<void> open(const Config& config, const Clock& clock) {
    auto password = secret_of(config.cassandra.password_file);
    if (!password) return std::unexpected(password.error());
    auto secret = secret_of(config.cluster.secret_file);
    if (!secret) return std::unexpected(secret.error());
    listen_ = config.cluster.peer_listen;
    peer_.secret = *secret;

    CassandraStoreOptions stored{.settle_delay_ms = config.cassandra.settle_delay_ms};
    stored.cql = ring(stored.cql, config.cassandra, *password);
    auto store = CassandraStore::open(stored, clock);
    if (!store) return std::unexpected(store.error());
    store_ = *std::move(store);
    clock_ = &clock;
    if (!config.cache.kind.empty()) {
      auto cached = make_cached_store(config, *store_, clock);
      if (!cached) return std::unexpected(cached.error());
      cached_ = *std::move(cached);
    }
    auto session = CqlSession::open(ring({}, config.cassandra, *password));
    if (!session) return std::unexpected(session.error());
    inbox_session_ = *std::move(session);
    auto inbox = CassandraInbox::open(*inbox_session_);
    if (!inbox) return std::unexpected(inbox.error());
    inbox_ = *std::move(inbox);
    CassandraLeaseOptions leased;
    leased.cql = ring(leased.cql, config.cassandra, *password);
    auto rows = CassandraLeaseRows::open(leased);
    if (!rows) return std::unexpected(rows.error());
    rows_ = *std::move(rows);
    peers_ = GrpcPeers::make(peer_, clock);
    return {};
  }

 private:
  std::string listen_;
  PeerOptions peer_;
  const Clock* clock_ = nullptr;
  std::unique_ptr<CassandraStore> store_;
  std::unique_ptr<CachedStore> cached_;  ///< over it; null: no cache is set
  std::unique_ptr<CqlSession> inbox_session_;
  std::unique_ptr<CassandraInbox> inbox_;
  std::unique_ptr<CassandraLeaseRows> rows_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<GrpcPeerServer> server_;
};

}  // namespace

Result<std::unique_ptr<ClusterParts>> ClusterParts::open(const Config& config, const Clock& clock) {
  auto parts = std::make_unique<Parts>();
  if (auto opened = parts->open(config, clock); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<ClusterParts>(std::move(parts));
}

}  // namespace playhead
