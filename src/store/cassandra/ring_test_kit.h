// A ring to test against, and keyspaces of its own for each test. For tests only.
//
// tools/cassandra starts the ring and says where it is: PLAYHEAD_TEST_CASSANDRA is a contact point,
// PLAYHEAD_TEST_CASSANDRA_PIDS the nodes' processes, the contact's first. Without them a test
// fails: it is never skipped.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/clock.h"
#include "runtime/run_to_end.h"
#include "store/cassandra/cassandra_store.h"
#include "store/cassandra/schema.h"

namespace playhead {

inline std::string ring_says(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr)
    throw std::runtime_error(std::string(name) + " is not set; tools/cassandra starts a ring");
  return value;
}
inline std::string ring_contact() { return ring_says("PLAYHEAD_TEST_CASSANDRA"); }
inline std::vector<::pid_t> ring_pids() {
  std::istringstream in(ring_says("PLAYHEAD_TEST_CASSANDRA_PIDS"));
  std::vector<::pid_t> pids;
  for (::pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}
inline ::pid_t ring_pid() { return ring_pids().at(0); }

/// A node that answers nothing, as after a long pause of its virtual machine, until this goes away.
class FrozenNode {
 public:
  explicit FrozenNode(::pid_t pid = ring_pid()) : pid_(pid) {
    ::kill(pid_, SIGSTOP);
    // Each thread stops when it next looks: until all have, the node may answer yet.
    while (!is_stopped()) std::this_thread::yield();
  }
  ~FrozenNode() { ::kill(pid_, SIGCONT); }
  FrozenNode(const FrozenNode&) = delete;

 private:
  bool is_stopped() const {
    const auto tasks = "/proc/" + std::to_string(pid_) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "stat");
      std::string stat;
      std::getline(file, stat);  // "pid (name) state …"
      const auto end = stat.rfind(") ");
      if (end == std::string::npos || stat.substr(end + 2, 1) != "T") return false;
    }
    return true;
  }

  ::pid_t pid_;
};

/// How to reach the ring. No test waits for these to pass, and a busy machine may take its time.
inline CqlOptions ring_options(std::string keyspace = {}) {
  return {.contacts = ring_contact(),
          .keyspace = std::move(keyspace),
          .connect_timeout_ms = 60'000,
          .call_timeout_ms = 60'000};
}

/// An empty keyspace with the tables, gone with the test.
class TestKeyspace {
 public:
  explicit TestKeyspace(std::uint32_t replication = 1)
      : session_(value_of(CqlSession::open(ring_options()))) {
    static int count = 0;
    name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    value_of(run_to_end(apply_schema(*session_, {.keyspace = name_, .replication = replication})));
  }
  ~TestKeyspace() { (void)run_to_end(session_->query("DROP KEYSPACE " + name_, 60'000)); }
  TestKeyspace(const TestKeyspace&) = delete;

  const std::string& name() const { return name_; }
  CassandraStoreOptions options() const {
    return {.cql = ring_options(name_), .settle_delay_ms = 0};
  }

 private:
  std::unique_ptr<CqlSession> session_;
  std::string name_;
};

/// A crash is a process that ends without a word, and another one: Cassandra has what it
/// acknowledged.
class CassandraHarness {
 public:
  Store& store() { return *store_; }
  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }
  void crash() { store_ = value_of(CassandraStore::open(keyspace_.options(), clock_)); }

 private:
  SystemClock clock_;
  TestKeyspace keyspace_;
  std::unique_ptr<CassandraStore> store_ =
      value_of(CassandraStore::open(keyspace_.options(), clock_));
};

}  // namespace playhead
