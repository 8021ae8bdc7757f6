// One seed's world: a server, its disk, its players and the network between, until all is said;
// with the checks that what was promised is kept.
//
// Operation: run() plays some minutes, with crashes at any moment. After each, and now and then in
//   between, a copy of disk and rows goes through a recovery of its own and is checked; at the end
//   everything is delivered and must be there exactly, also after a checkpoint and another crash.
// Invariant: the same seed makes the same run: trace_hash() tells. One thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/checks.h"
#include "sim/player.h"
#include "sim/process.h"

namespace playhead::sim {

/// What happened in a world.
struct Outcome {
  std::array<std::uint64_t, kFaults> faults{};
  std::vector<std::string> broken;  ///< promises, each with its moment; empty if all is well
  std::uint64_t trace_hash = 0;
  std::uint64_t acked = 0, refused_by_limit = 0, terminations = 0, deletions = 0, expired = 0;
  std::uint64_t erasures = 0, refused_as_erased = 0;
  std::uint64_t checks = 0, exact = 0, journal_drops = 0;
};

class World {
 public:
  World(std::uint64_t seed, bool verbose);
  Outcome run();

 private:
  void boot();
  void crash();
  void second();
  void tick();
  void send(Player& player, std::shared_ptr<Request> request);
  void arrive(Player& player, const std::shared_ptr<Request>& request);
  void arrive_reports(Player& player, const std::shared_ptr<Request>& request);
  void arrive_put(Player& player, const std::shared_ptr<Request>& request);
  void deliver(Player& player, const std::shared_ptr<Request>& request, std::vector<Reply> replies,
               std::vector<std::string> in_the_way);
  void take(const Sent& sent, bool acked);
  void terminate_one();
  void delete_one();
  void act();
  void erase_one();
  void subscribe();
  void read_stream();
  void check_live();
  void probe(const char* when, bool with_checkpoint);
  void finish();
  void run_until(Millis at_ms);
  void trace(const std::string& what);

  const bool verbose_;
  Prng prng_;
  Timeline timeline_;
  Faults faults_;
  Model model_;
  Disk disk_{faults_};
  Rows rows_{faults_};
  Outcome outcome_;
  std::vector<std::unique_ptr<Player>> players_;
  std::unique_ptr<Process> process_;
  std::uint64_t boots_ = 0;
  Millis booted_ms_ = 0, ends_ms_ = 0;
  // The stream of one account.
  std::shared_ptr<Channel> channel_;
  std::map<std::string, State> streamed_;
  Millis slow_until_ms_ = 0;
};

inline constexpr unsigned kStrictLimit = 2;
inline constexpr std::string_view kStrictAccount = "strict";

}  // namespace playhead::sim
