// One seed's cluster: 3 to 8 nodes with a disk each, one store, one inbox, players, and all that
// goes wrong between them.
//
// Operation: run() plays some minutes. Requests arrive at any node. An authority gives slots to
//   nodes as leases promise it: what a node may answer for as fresh ends before another gains it
//   under a greater epoch. (That leases keep this is lease_world's matter.) When it is over, all
//   nodes come back, everything is delivered, and one node is given all slots; then one that has
//   nothing but the store.
// Invariant: the same seed makes the same run: trace_hash tells. One thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cluster/fresh_slots.h"
#include "cluster/routing.h"
#include "service/direct_inbox.h"
#include "service/inbox_reader.h"
#include "sim/checks.h"
#include "sim/player.h"
#include "sim/process.h"
#include "sim/sim_cluster.h"

namespace playhead::sim {

struct ClusterOutcome {
  std::array<std::uint64_t, kTroubles> troubles{};
  std::vector<std::string> broken;  ///< promises, each with its moment; empty if all is well
  std::uint64_t trace_hash = 0;
  std::uint64_t acked = 0, unstored = 0, taken_over = 0, passed_on = 0, parts_given = 0;
  std::uint64_t handed = 0;  ///< accounts that came with their slots
  std::uint64_t grants = 0, unchecked = 0, refused_by_limit = 0;
  std::uint64_t fresh_answers = 0, stale_answers = 0, foreign_answers = 0, stored_checks = 0,
                exact = 0;
};

class ClusterWorld {
 public:
  ClusterWorld(std::uint64_t seed, bool verbose);
  ~ClusterWorld();
  ClusterOutcome run();

 private:
  /// A node from its start to its end.
  struct Life {
    Life(ClusterWorld& world, const std::string& name);
    FreshSlots fresh;
    Routing routing;
    SimInbox inbox;
    SimPeers peers;
    DirectInbox owners;
    std::unique_ptr<Process> process;
    std::unique_ptr<InboxReader> reader;
    bool reading = false;
    std::uint64_t number = 0;
  };
  struct Node {
    Node(std::string its_name, Faults& faults) : name(std::move(its_name)), disk(faults) {}
    std::string name;
    Disk disk;
    std::unique_ptr<Life> life;
    std::uint64_t session = 0;  ///< by its own belief; 0: it has no lease
    Millis lease_until_ms = 0;
    Millis paused_until_ms = 0, cut_until_ms = 0;
    std::shared_ptr<const SlotMap> map = std::make_shared<SlotMap>();  ///< as it knows it
    SlotSet held, giving, flushing;
  };
  struct Acked {
    std::uint64_t life = 0;  ///< of the node that took it itself; 0: it may have been another
    bool stored = false, was_newest = false;
  };
  struct Grant {
    const ViewTold* view = nullptr;
    Instant started;
  };
  struct Put {
    std::uint64_t life = 0;
    std::expected<PutOutcome, PutRefusal> answer;
  };
  struct Look {
    std::uint64_t life = 0;
    Instant began;
    bool foreign = false;  ///< all the while it was answered
    Result<Answer<ViewItem>> answer;
  };

  // cluster_world.cc
  void boot(Node& node);
  void end(Life& life);
  bool note(Node& node);
  void kill(Node& node, Millis away_ms);
  void run_until(Millis at_ms);
  bool runs(const Node& node) const;
  bool reachable(const Node& node) const;
  void second();
  void tick();
  void strike(Node& node);
  void read_inbox(Node& node);
  void tell_drained();
  void trace(const std::string& what);
  void broken(const std::string& what);
  void finish();
  void check_settled();
  void check_by_one(Process& process, const char* when);
  void check_by_the_store();
  void calm();

  // cluster_leases.cc
  void renew(Node& node);
  void end_session(Node& node);
  void publish(Node& node);
  void hear(Node& node);
  void tell_gain(Node& node, const SlotSet& slots);
  void tell_lost(Node& node, const SlotSet& slots);
  void authority();
  void hand_over(std::uint16_t slot, Node& from, Node& to);
  void send_along(Node& from, const Node& to, std::vector<HandedSlot> handed);
  void give(std::uint16_t slot, Node& to);
  void list_nodes();
  Node* node_of(std::uint64_t session);
  Node* any_taker(const Node* but);

  // cluster_traffic.cc
  void send(Player& player, std::shared_ptr<Request> request);
  void arrive(Player& player, const std::shared_ptr<Request>& request);
  void arrive_reports(Node& node, Player& player, const std::shared_ptr<Request>& request);
  void arrive_put(Node& node, Player& player, const std::shared_ptr<Request>& request);
  void put_answered(Player& player, const std::shared_ptr<Request>& request, bool passed_on,
                    const Put& put);
  void deliver(Player& player, const std::shared_ptr<Request>& request, std::vector<Reply> replies,
               std::vector<std::string> in_the_way);
  void take(const Sent& sent, const Acked& how);
  void granted(const ViewTold& view, Instant started);
  bool stands(const Grant& grant) const;
  static bool plays(const Said& said);
  void terminate_one();
  void act();
  void look();
  void check_look(const ViewTold& told, const Look& look);
  bool changed_state(const ViewTold& told, const Said& said) const;
  void check_stale_look(const ViewTold& told, const Look& look);
  void check_stored();
  SimHandler handler_of(Node& node);
  Node* any_running();
  Task<Result<BatchOutcome>> submit(Life& life, std::size_t here, std::vector<Report> reports,
                                    std::shared_ptr<Acked> how);
  template <typename T>
  Task<T> at_owner(Life& life, std::string account, std::function<Task<T>(Life&)> act,
                   std::shared_ptr<bool> passed_on);

  const bool verbose_;
  Prng prng_;
  Timeline timeline_;
  Faults faults_;
  Troubles troubles_;
  Model model_;
  Rows rows_{faults_};
  InboxRows inbox_;
  SimWires wires_;
  ClusterOutcome outcome_;
  std::vector<std::unique_ptr<Player>> players_;
  std::vector<std::string> accounts_;
  std::vector<std::uint16_t> slots_;  ///< of the accounts: the others are nobody's
  std::deque<Node> nodes_;
  std::uint64_t lives_ = 0, sessions_ = 0, acts_made_ = 0;
  std::map<std::uint64_t, Millis> granted_until_ms_;  ///< by session: what the authority knows
  std::shared_ptr<const SlotMap> map_ = std::make_shared<SlotMap>();
  std::shared_ptr<const std::vector<NodeEntry>> entries_;
  std::map<const Said*, Acked> acked_;
  std::vector<Grant> grants_;
  std::map<std::string, std::function<void(Life&, PeerAnswer)>> acts_;  ///< passed on, by number
};

}  // namespace playhead::sim
