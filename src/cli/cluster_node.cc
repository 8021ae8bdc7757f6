// The lease's word to the shards, and what is done every now and then.
#include "cli/cluster_node.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "runtime/side_by_side.h"

namespace playhead {

namespace asio = boost::asio;

namespace {

constexpr Millis kRoutingMs = 50;
constexpr Millis kLookMs = 1'000;
constexpr Millis kLoadsMs = 5'000;
constexpr Millis kTellMs = 500;
constexpr std::size_t kHandedBytes = 256u << 10;  // of a message, or one slot more

LeaseKeeperOptions keeper_options(const Config& config) {
  LeaseKeeperOptions out;
  out.node = config.cluster.node;
  out.http_address =
      config.cluster.http_address.empty() ? config.http.listen : config.cluster.http_address;
  out.peer_address = config.cluster.peer_address.empty() ? config.cluster.peer_listen
                                                         : config.cluster.peer_address;
  return out;
}

}  // namespace

ClusterNode::ClusterNode(const Config& config, ClusterParts& parts, const Clock& clock,
                         std::uint64_t seed)
    : clock_(clock),
      node_(config.cluster.node),
      keeper_(keeper_options(config), parts.rows(), *this, clock, context_.get_executor(), seed),
      routing_(config.cluster.node, keeper_.fresh()),
      peers_(parts.peers()),
      inbox_(parts.inbox()),
      owners_(inbox_, routing_, peers_, clock) {}

ClusterNode::~ClusterNode() { stop(); }

void ClusterNode::attach(ShardThreads& shards, Checkpointer& checkpointer) {
  shards_ = &shards;
  checkpointer_ = &checkpointer;
  reader_ = std::make_unique<InboxReader>(shards, inbox_, clock_);
  loads_ = std::make_unique<LoadExchange>(shards, peers_, keeper_, clock_, node_);
}

void ClusterNode::start() {
  asio::co_spawn(context_, keep_lease(), asio::detached);
  asio::co_spawn(context_, keep_routing(), asio::detached);
  asio::co_spawn(context_, keep_reading(), asio::detached);
  asio::co_spawn(context_, keep_dropping(), asio::detached);
  asio::co_spawn(context_, keep_loads(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

bool ClusterNode::leave() {
  if (!thread_.joinable()) return true;
  keeper_.set_left_behind(true);
  leaving_ = true;
  keeper_.leave();
  left_.wait(false);
  return in_order_;
}

void ClusterNode::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  keeper_.stop();
  thread_.join();
}

Task<> ClusterNode::keep_lease() {
  in_order_ = co_await keeper_.run();
  left_ = true;
  left_.notify_all();
  one_ended();
}

// What settles may take a minute more; nobody waits for that.
void ClusterNode::one_ended() {
  if (--running_ == 0) context_.stop();
}

Task<> ClusterNode::pause(Millis span) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(span));
  co_await timer.async_wait(asio::use_awaitable);
}

Task<> ClusterNode::keep_routing() {
  while (!stopping_) {
    if (const auto status = keeper_.status()) routing_.update(*status);
    if (leaving_) keeper_.set_left_behind(co_await undrained_views(*shards_) > 0);
    co_await pause(kRoutingMs);
  }
  one_ended();
}

Task<> ClusterNode::keep_reading() {
  bool failed = false;
  while (!stopping_) {
    const Millis began = clock_.monotonic_ms();
    const auto read = co_await reader_->step();
    if (!read && !failed)
      spdlog::warn("the inbox can't be read, answers are stale until it can: {}",
                   read.error().detail);
    else if (read && failed)
      spdlog::info("the inbox is being read again");
    failed = !read;
    co_await pause(std::max<Millis>(kLookMs - (clock_.monotonic_ms() - began), kRoutingMs));
  }
  one_ended();
}

Task<> ClusterNode::keep_loads() {
  for (Millis waited = 0; !stopping_; waited += kRoutingMs) {
    if (waited % kLoadsMs == 0) co_await loads_->step();
    co_await pause(kRoutingMs);  // so that a stop does not wait
  }
  one_ended();
}

// By itself, for Cassandra takes a minute to settle.
Task<> ClusterNode::keep_dropping() {
  while (!stopping_) {
    if (auto dropped = co_await checkpointer_->drop_if_due(); !dropped)
      spdlog::warn("the journal keeps what the store may not: {}", dropped.error().detail);
    co_await pause(kLookMs);
  }
}

void ClusterNode::gained(const SlotSet& slots, const SlotMap& map) {
  std::vector<std::vector<SlotEpoch>> by_shard(shards_->count());
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (slots[slot])
      by_shard[slot % by_shard.size()].push_back({.slot = slot, .epoch = map.epoch_of(slot)});
  for (std::size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    auto take = [](Shard& shard, std::vector<SlotEpoch> mine) -> Task<> {
      shard.gain(mine);
      // What memory has of them stands in the way. If the inbox can't be reached a later sweep
      // makes up for it.
      (void)co_await shard.sweep_gained();
    };
    asio::co_spawn(shards_->threads().executor(i), take(shards_->shard(i), std::move(by_shard[i])),
                   asio::detached);
  }
  spdlog::info("{} slots are this node's now", slots.count());
}

void ClusterNode::lost(const SlotSet& slots) {
  std::vector<std::vector<std::uint16_t>> by_shard(shards_->count());
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (slots[slot]) by_shard[slot % by_shard.size()].push_back(slot);
  for (std::size_t i = 0; i < by_shard.size(); ++i)
    shards_->threads().post(
        i, [shard = &shards_->shard(i), mine = std::move(by_shard[i])] { shard->lose(mine); });
  spdlog::info("{} slots have left this node", slots.count());
}

// Their new owners get what was given, and all know at once whose it is: until then nobody answers
// for it.
void ClusterNode::changed_map(const SlotMap& map) {
  const auto status = keeper_.status();  // still with the map before this one
  for (const NodeEntry& entry : *status->nodes) {
    if (entry.row.node == node_ || entry.row.over || entry.note.peer_address.empty()) continue;
    std::vector<HandedSlot> its;
    std::size_t bytes = 0;
    for (HandedSlot& handed : handed_.take(*status->map, map, entry.row.session)) {
      bytes += handed.accounts.size();
      its.push_back(std::move(handed));
      if (bytes < kHandedBytes) continue;
      tell(entry.note.peer_address, PeerCall::kHanded, encode_handed(std::exchange(its, {})));
      bytes = 0;
    }
    if (!its.empty()) tell(entry.note.peer_address, PeerCall::kHanded, encode_handed(its));
    tell(entry.note.peer_address, PeerCall::kChangedMap, {});
  }
}

void ClusterNode::tell(const std::string& peer_address, PeerCall call, std::string bytes) {
  ++running_;
  asio::co_spawn(context_, tell_now(peer_address, call, std::move(bytes)), asio::detached);
}

// Who is not reached looks by himself before long, and reads from the store.
Task<> ClusterNode::tell_now(std::string peer_address, PeerCall call, std::string bytes) {
  (void)co_await peers_.ask(std::move(peer_address), call, std::move(bytes),
                            Deadline::after(clock_, kTellMs));
  one_ended();
}

Task<Result<void>> ClusterNode::flush(SlotSet slots) {
  const std::uint64_t flush = handed_.begin();
  co_await side_by_side(shards_->count(), [&](std::size_t i) -> Task<> {
    std::vector<std::uint16_t> mine;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      if (slots[slot] && slot % shards_->count() == i) mine.push_back(slot);
    if (mine.empty()) co_return;
    auto handed =
        co_await asio::co_spawn(shards_->threads().executor(i),
                                shards_->shard(i).hand_over(std::move(mine)), asio::use_awaitable);
    handed_.add(flush, std::move(handed));
  });
  co_return Result<void>{};
}

}  // namespace playhead
