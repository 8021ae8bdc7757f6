// What makes a server one of several: it holds leases on slots, tells its shards which are theirs,
// knows who has the others, and looks into the inbox.
//
// Operation: start() after the journal has been read; leave() while the server still answers.
// Concurrency: a thread of its own; start(), leave() and stop() from the node's.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>

#include "cli/cluster_parts.h"
#include "cluster/lease_keeper.h"
#include "cluster/routing.h"
#include "service/checkpoint.h"
#include "service/direct_inbox.h"
#include "service/handed_slots.h"
#include "service/inbox_reader.h"
#include "service/load_exchange.h"
#include "shard/shard_threads.h"

namespace playhead {

class ClusterNode final : public LeaseListener {
 public:
  /// `parts`, `shards` and `clock` outlive it.
  ClusterNode(const Config& config, ClusterParts& parts, const Clock& clock, std::uint64_t seed);
  ~ClusterNode() override;

  /// To be called once, before start().
  void attach(ShardThreads& shards, Checkpointer& checkpointer);
  void start();
  /// Hands all slots over; returns when others have them, or after
  /// LeaseKeeperOptions::leave_max_ms. True: it was in order.
  bool leave();
  void stop();

  Routing& routing() { return routing_; }
  Inbox& owners() { return owners_; }
  const FreshSlots& fresh() const { return keeper_.fresh(); }
  std::shared_ptr<const LeaseStatus> status() const { return keeper_.status(); }
  const LoadExchange& loads() const { return *loads_; }

  void gained(const SlotSet& slots, const SlotMap& map) override;
  void lost(const SlotSet& slots) override;
  Task<Result<void>> flush(SlotSet slots) override;
  void changed_map(const SlotMap& map) override;

  /// Another node's changed_map().
  void look() { keeper_.look(); }

 private:
  Task<> keep_routing();
  Task<> keep_reading();
  Task<> keep_dropping();
  Task<> keep_loads();
  Task<> keep_lease();
  void tell(const std::string& peer_address, PeerCall call, std::string bytes);
  Task<> tell_now(std::string peer_address, PeerCall call, std::string bytes);
  void one_ended();
  Task<> pause(Millis span);

  const Clock& clock_;
  const std::string node_;
  boost::asio::io_context context_{1};
  LeaseKeeper keeper_;
  Routing routing_;
  Peers& peers_;
  Inbox& inbox_;
  DirectInbox owners_;
  ShardThreads* shards_ = nullptr;
  Checkpointer* checkpointer_ = nullptr;
  std::unique_ptr<InboxReader> reader_;
  std::unique_ptr<LoadExchange> loads_;
  HandedSlots handed_;
  std::thread thread_;
  int running_ = 4;  ///< of the loops and calls that a stop waits for
  std::atomic<bool> stopping_ = false, leaving_ = false;
  std::atomic<bool> left_ = false, in_order_ = false;
};

}  // namespace playhead
