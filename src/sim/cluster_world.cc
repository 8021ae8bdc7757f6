// A cluster's course: nodes that come and go, minutes of play, the final reckoning.
#include "sim/cluster_world.h"

#include <cstdio>

#include "base/hash.h"

namespace playhead::sim {
namespace {

constexpr Millis kTickMs = 250;
constexpr Millis kSettleMs = 120'000;
// Until whoever is silent has ended, also for who takes his slot over and knows less by a
// checkpoint.
constexpr Millis kSilentMs = 105'000;
constexpr std::string_view kLimited = "strict";

ShardOptions shard_options() {
  ShardOptions options;
  options.paused_expiry_ms = 60'000;
  options.checkpoint_interval_ms = 40'000;
  options.sweep_rows_max = 4;
  return options;
}

}  // namespace

ClusterWorld::Life::Life(ClusterWorld& world, const std::string& name)
    : routing(name, fresh),
      inbox(world.inbox_, world.timeline_, world.troubles_),
      peers(world.wires_, world.timeline_, world.troubles_),
      owners(inbox, routing, peers, world.timeline_),
      number(++world.lives_) {}

ClusterWorld::ClusterWorld(std::uint64_t seed, bool verbose)
    : verbose_(verbose),
      prng_(seed),
      faults_(FaultOptions::draw(prng_), prng_.next()),
      troubles_(faults_, prng_) {
  rows_.share();
  const auto add = [&](std::string_view account, int devices, std::optional<unsigned> limit) {
    accounts_.emplace_back(account);
    slots_.push_back(slot_of(kTenant, account));
    for (int device = 0; device < devices; ++device)
      players_.push_back(std::make_unique<Player>(
          Player::Parts{.timeline = &timeline_,
                        .faults = &faults_,
                        .model = &model_,
                        .account = std::string(account),
                        .device = "d" + std::to_string(device),
                        .limit = limit,
                        .send = [this](Player& player, std::shared_ptr<Request> request) {
                          send(player, std::move(request));
                        }}));
  };
  add("open", 2, std::nullopt);
  add(kLimited, 4, 2);
  add("other", 2, std::nullopt);
  add("far", 1, std::nullopt);
  const std::uint64_t count = 3 + prng_.below(6);
  for (std::uint64_t i = 1; i <= count; ++i)
    nodes_.emplace_back("node-" + std::to_string(i), faults_);
}

ClusterWorld::~ClusterWorld() = default;

void ClusterWorld::trace(const std::string& what) {
  const std::string line = std::to_string(timeline_.monotonic_ms()) + " " + what;
  outcome_.trace_hash = hash_bytes(line, outcome_.trace_hash);
  if (verbose_) std::printf("%s\n", line.c_str());
}

void ClusterWorld::broken(const std::string& what) {
  outcome_.broken.push_back(std::to_string(timeline_.monotonic_ms()) + " " + what);
  trace("BROKEN " + what);
}

bool ClusterWorld::runs(const Node& node) const {
  return node.life != nullptr && node.paused_until_ms <= timeline_.monotonic_ms();
}

bool ClusterWorld::reachable(const Node& node) const {
  return runs(node) && node.cut_until_ms <= timeline_.monotonic_ms();
}

void ClusterWorld::run_until(Millis at_ms) {
  while (timeline_.step(at_ms))
    for (Node& node : nodes_)
      if (runs(node)) node.life->process->pump();
}

// ---- The nodes' lives ---------------------------------------------------------------------------

void ClusterWorld::boot(Node& node) {
  node.life = std::make_unique<Life>(*this, node.name);
  Life& life = *node.life;
  life.process = std::make_unique<Process>(Process::Parts{
      .timeline = &timeline_,
      .faults = &faults_,
      .disk = &node.disk,
      .rows = &rows_,
      .boot = life.number,
      .shards = 1 + prng_.below(3),
      .options = shard_options(),
      .inbox = &life.inbox,
      .owners = &life.owners,
      .fresh = &life.fresh,
      .others = {.routing = &life.routing, .peers = &life.peers, .inbox = &life.inbox}});
  life.reader = std::make_unique<InboxReader>(life.process->shards(), life.inbox, timeline_);
  wires_[node.name] = handler_of(node);
  trace(node.name + " boots as " + std::to_string(life.number));
}

void ClusterWorld::end(Life& life) {
  ShardThreads& shards = life.process->shards();
  for (std::size_t i = 0; i < shards.count(); ++i)
    outcome_.handed += shards.shard(i).figures().handed;
  life.inbox.kill();
  life.peers.kill();
  life.process->kill();
}

// A node notes only as it stops, after a last sweep; but what it notes holds at any moment.
bool ClusterWorld::note(Node& node) {
  SimJournal& journal = node.life->process->journal();
  ShardThreads& shards = node.life->process->shards();
  FrameNumber low = journal.extent().last + 1;
  for (std::size_t i = 0; i < shards.count(); ++i) low = std::min(low, shards.shard(i).low_water());
  return journal.note_stored(low - 1).has_value();
}

void ClusterWorld::kill(Node& node, Millis away_ms) {
  const bool noted = troubles_.strikes(Trouble::kNotedFirst) && note(node);
  wires_.erase(node.name);
  end(*node.life);
  node.life.reset();
  if (!noted) node.disk.crash();
  node.session = 0;
  node.held.reset();
  node.giving.reset();
  node.flushing.reset();
  node.paused_until_ms = node.cut_until_ms = 0;
  node.map = std::make_shared<SlotMap>();
  list_nodes();
  trace(node.name + " is killed");
  timeline_.in(away_ms, [this, &node] { boot(node); });
}

void ClusterWorld::strike(Node& node) {
  if (node.life->process->stopped()) {
    trace(node.name + ": the journal failed");
    return kill(node, static_cast<Millis>(prng_.below(10'000)));
  }
  if (troubles_.strikes(Trouble::kKill)) {
    const bool long_away = troubles_.strikes(Trouble::kStaysAway);
    return kill(
        node, static_cast<Millis>(long_away ? 60'000 + prng_.below(180'000) : prng_.below(15'000)));
  }
  const Millis now_ms = timeline_.monotonic_ms();
  if (troubles_.strikes(Trouble::kPause)) {
    node.paused_until_ms = now_ms + static_cast<Millis>(500 + prng_.below(15'000));
    trace(node.name + " is paused");
  }
  if (troubles_.strikes(Trouble::kCutOff)) {
    node.cut_until_ms = now_ms + static_cast<Millis>(2'000 + prng_.below(20'000));
    trace(node.name + " is cut off");
  }
}

void ClusterWorld::read_inbox(Node& node) {
  if (std::exchange(node.life->reading, true)) return;
  node.life->process->start(0, node.life->reader->step(),
                            [&life = *node.life](const Result<void>&) { life.reading = false; });
}

void ClusterWorld::tick() {
  for (Node& node : nodes_)
    if (runs(node)) {
      node.life->process->tick();
      renew(node);
    }
  authority();
  timeline_.in(kTickMs, [this] { tick(); });
}

// What a node hears when it asks all for their figures (service/load_exchange.h).
void ClusterWorld::tell_drained() {
  bool drained = true;
  for (Node& node : nodes_) {
    drained = drained && node.life != nullptr && reachable(node);
    for (std::size_t i = 0; drained && i < node.life->process->shards().count(); ++i)
      drained = node.life->process->shards().shard(i).figures().undrained == 0;
  }
  if (!drained) return;
  trace("all is drained");
  for (Node& node : nodes_)
    for (std::size_t i = 0; i < node.life->process->shards().count(); ++i)
      node.life->process->shards().shard(i).drained(timeline_.monotonic_ms());
}

// What may happen in a second.
void ClusterWorld::second() {
  timeline_.in(1'000, [this] { second(); });
  if (!rows_.away() && troubles_.strikes(Trouble::kStoreAway)) {
    trace("the store is away");
    rows_.set_away(true);
    inbox_.away = true;
    timeline_.in(static_cast<Millis>(1'000 + prng_.below(60'000)), [this] {
      trace("the store is back");
      rows_.set_away(false);
      inbox_.away = false;
    });
  }
  for (Node& node : nodes_) {
    if (!runs(node)) continue;
    node.life->process->checkpoint();
    read_inbox(node);
    strike(node);
  }
  if (prng_.chance(200)) tell_drained();
  if (prng_.chance(30)) terminate_one();
  if (prng_.chance(40)) act();
  for (int i = 0; i < 3; ++i) look();
  if (prng_.chance(200)) check_stored();
}

// ---- The end ------------------------------------------------------------------------------------

void ClusterWorld::calm() {
  faults_.set_calm(true);
  trace("calm");
  for (Node& node : nodes_) node.paused_until_ms = node.cut_until_ms = 0;
  rows_.set_away(false);
  inbox_.away = false;
}

// Nothing goes wrong any more, and everything is delivered.
void ClusterWorld::finish() {
  calm();
  for (const auto& player : players_) player->retire();
  bool all = false;
  for (int round = 0; round < 200 && !all; ++round) {
    run_until(timeline_.monotonic_ms() + 3'000);
    all = std::ranges::all_of(nodes_, [](const Node& node) { return node.life != nullptr; });
    for (const auto& player : players_) all = player->flush() && all;
  }
  if (!all) return broken("the players' reports are not taken, though nothing is wrong");
  check_settled();
  check_stored();
  Node& one = nodes_.front();
  for (int round = 0; round < 60; ++round) {
    bool moved = true;
    for (const std::uint16_t slot : slots_) {
      const Owner* owner = map_->owner_of(slot);
      Node* from = owner == nullptr ? nullptr : node_of(owner->session);
      if (from == &one) continue;
      moved = false;
      if (from != nullptr) hand_over(slot, *from, one);
    }
    if (moved) break;
    run_until(timeline_.monotonic_ms() + 1'000);
  }
  run_until(timeline_.monotonic_ms() + 3'000);
  check_by_one(*one.life->process, "at the end");
  check_by_the_store();
}

void ClusterWorld::check_settled() {
  const Millis until_ms = timeline_.monotonic_ms() + kSettleMs;
  run_until(timeline_.monotonic_ms() + kSilentMs);
  while (!inbox_.rows.empty() && timeline_.monotonic_ms() < until_ms)
    run_until(timeline_.monotonic_ms() + 1'000);
  if (!inbox_.rows.empty()) broken("the inbox is not drained, though nothing is wrong");
  for (const std::string& account : accounts_) {
    const std::uint16_t slot = slot_of(kTenant, account);
    const Owner* owner = map_->owner_of(slot);
    Node* node = owner == nullptr ? nullptr : node_of(owner->session);
    if (node == nullptr) {
      broken(account + " has no owner, though nothing is wrong");
      continue;
    }
    Process& process = *node->life->process;
    auto viewers = process.run(0, process.service().viewers({std::string(kTenant), account}));
    if (!viewers || viewers->stale) broken(account + " is stale, though nothing is wrong");
  }
}

void ClusterWorld::check_by_one(Process& process, const char* when) {
  process.pump();
  Checks checks(process, model_, timeline_.now(),
                {.replayed = false,
                 .exact = false,
                 .in_parts = true,
                 .strict_account = std::string(kLimited),
                 .strict_limit = players_.size()});
  for (const std::string& what : checks.run()) broken(std::string(when) + ": " + what);
  outcome_.exact += checks.exact();
}

// A node that has nothing but the store says the same.
void ClusterWorld::check_by_the_store() {
  for (Node& node : nodes_)
    if (!node.life->process->finish()) broken(node.name + ": the checkpoint failed");
  for (Node& node : nodes_) end(*node.life);
  nodes_.clear();
  Node& fresh = nodes_.emplace_back("fresh", faults_);
  boot(fresh);
  fresh.session = ++sessions_;
  fresh.lease_until_ms = timeline_.monotonic_ms() + 100'000;
  list_nodes();
  for (const std::uint16_t slot : slots_) give(slot, fresh);
  hear(fresh);
  publish(fresh);
  fresh.life->process->pump();
  if (!fresh.life->process->run(0, fresh.life->reader->step())) broken("the inbox can't be read");
  check_by_one(*fresh.life->process, "by the store");
}

ClusterOutcome ClusterWorld::run() {
  for (Node& node : nodes_) boot(node);
  for (const auto& player : players_)
    timeline_.in(static_cast<Millis>(prng_.below(5'000)), [&player] { player->wake(); });
  tick();
  second();
  run_until(static_cast<Millis>(120'000 + prng_.below(240'000)));
  finish();
  for (Node& node : nodes_)
    if (node.life) end(*node.life);
  outcome_.troubles = troubles_.counts();
  trace("end with " + std::to_string(outcome_.acked) + " acknowledged, " +
        std::to_string(model_.views.size()) + " views");
  return std::move(outcome_);
}

}  // namespace playhead::sim
