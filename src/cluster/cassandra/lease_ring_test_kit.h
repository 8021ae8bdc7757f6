// Rows and whole nodes of a cluster against a ring. For tests only; needs a ring: tools/cassandra.
#pragma once

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "cluster/cassandra/cassandra_lease_rows.h"
#include "cluster/lease_keeper.h"
#include "runtime/clock.h"
#include "store/cassandra/ring_test_kit.h"

namespace playhead {

/// As patient as a test wants: none waits for a call to fail, unless it says so.
inline CassandraLeaseOptions lease_ring_options(const std::string& keyspace,
                                                std::uint32_t call_timeout_ms = 60'000) {
  CassandraLeaseOptions out;
  out.cql.contacts = ring_contact();
  out.cql.keyspace = keyspace;
  out.cql.connect_timeout_ms = 60'000;
  out.cql.call_timeout_ms = call_timeout_ms;
  return out;
}

/// A node: a thread with its lease, which has nothing to load and nothing to flush.
class RingNode final : public LeaseListener {
 public:
  RingNode(const std::string& keyspace, const std::string& name, std::uint64_t seed)
      : rows_(value_of(CassandraLeaseRows::open(lease_ring_options(keyspace, 2'000)))),
        keeper_(options_of(name), *rows_, *this, clock_, context_.get_executor(), seed) {
    boost::asio::co_spawn(context_, keeper_.run(),
                          [this](const std::exception_ptr& error, bool in_order) {
                            if (error) std::rethrow_exception(error);
                            left_ = in_order;
                          });
    thread_ = std::thread([this] { context_.run(); });
  }
  ~RingNode() override {
    if (thread_.joinable()) {
      keeper_.stop();
      thread_.join();
    }
    rows_.reset();  // its answers have come; the loop's frames are still there for them
  }

  const LeaseKeeper& keeper() const { return keeper_; }
  std::uint64_t fresh_epoch(std::uint16_t slot) const {
    return keeper_.fresh().fresh_epoch(slot, clock_.monotonic_ms());
  }
  std::size_t fresh_count() const {
    std::size_t out = 0;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) out += fresh_epoch(slot) != 0;
    return out;
  }
  std::size_t flushed() const { return flushed_; }

  /// From now on the process does nothing more, nor says a word.
  void hang() {
    context_.stop();
    thread_.join();
  }
  /// Returns when it has gone; whether it went in order.
  bool leave() {
    keeper_.leave();
    thread_.join();
    return left_;
  }

  void gained(const SlotSet& /*slots*/, const SlotMap& /*map*/) override {}
  void lost(const SlotSet& /*slots*/) override {}
  void changed_map(const SlotMap& /*map*/) override {}
  Task<Result<void>> flush(SlotSet slots) override {
    flushed_ += slots.count();
    co_return Result<void>{};
  }

 private:
  static LeaseKeeperOptions options_of(const std::string& name) {
    LeaseKeeperOptions out;
    out.node = name;
    out.http_address = name + ":8080";
    out.peer_address = name + ":7411";
    out.lease.balance.gives_max = kSlots;  // no test has time for many rounds
    return out;
  }

  const SystemClock clock_;
  std::atomic<std::size_t> flushed_{0};
  std::atomic<bool> left_{false};
  boost::asio::io_context context_{1};
  std::unique_ptr<CassandraLeaseRows> rows_;
  LeaseKeeper keeper_;
  std::thread thread_;
};

}  // namespace playhead
