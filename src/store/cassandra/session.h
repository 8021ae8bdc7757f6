// A connection to a Cassandra ring for coroutines: the driver's C ABI (drivers/cql) with owned
// handles, Result and Task.
//
// Operation: open() and prepare() block; they belong to a start. The rest answers by a callback on
// a
//   thread of the driver, or as a Task that resumes on the executor it was awaited from.
// Concurrency: every call from any thread. The session outlives every Task that it gave.
// Invariants:
//  1. Each call is answered once: also when the session closes, which drains first.
//  2. At most `in_flight_max` calls are in flight; a further one is refused with overloaded.
#pragma once

#include <playhead_cql.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/task.h"
#include "store/cassandra/values.h"

namespace playhead {

struct CqlOptions {
  std::string contacts = "127.0.0.1:9042";    ///< host:port, host:port: any of the ring's nodes
  std::string keyspace;                       ///< empty: none
  std::string local_dc;                       ///< the only data centre to talk to; empty: any
  std::string user, password;                 ///< empty: no authentication
  std::uint32_t threads = 2;                  ///< of the driver
  std::uint32_t in_flight_max = 1'024;        ///< more: overloaded
  std::uint32_t connect_timeout_ms = 10'000;  ///< of open() and of each prepare()
  std::uint32_t call_timeout_ms = 5'000;      ///< no answer until then: unavailable
  std::uint32_t speculative_ms =
      500;  ///< a node silent for so long: another one is asked too; 0: never
  std::uint32_t keepalive_ms = 30'000;  ///< a node silent for so long, twice: it is given up
  std::uint32_t drain_ms = 10'000;      ///< how long a close waits before it cancels
};

/// How a statement is run. What reads or writes data once and for all needs no other than these.
struct CqlStatementOptions {
  cql_consistency consistency = CQL_LOCAL_QUORUM;
  cql_consistency serial_consistency = CQL_SERIAL;  ///< of `IF …`
  bool idempotent = true;  ///< the driver may send it again after an error that leaves it open
  std::uint32_t page_rows = 1'000;
};

using CqlStatement = std::shared_ptr<const cql_statement>;

struct CqlBound {
  CqlStatement statement;
  CqlValues values;
};
/// Statements that are sent as one. Whole, if they are all of one partition key.
using CqlBatch = std::vector<CqlBound>;

class CqlSession {
 public:
  using Done = std::move_only_function<void(Result<CqlRows>)>;

  /// Errors: unavailable.
  static Result<std::unique_ptr<CqlSession>> open(const CqlOptions& options);
  /// Closes.
  ~CqlSession();
  CqlSession(const CqlSession&) = delete;

  /// Errors: invalid_argument (the detail is Cassandra's), unavailable.
  Result<CqlStatement> prepare(const std::string& text, const CqlStatementOptions& options = {});

  // Errors of the calls below: invalid_argument (statement and values do not fit, or Cassandra
  // refuses them), overloaded, unavailable (no answer in time, too few replicas, closed): of a
  // write, all, a part or nothing may have happened.

  /// Blocks; for a start.
  Result<CqlRows> execute_now(const CqlBound& bound);

  /// One page of rows. `done` is called once, perhaps before this returns, on any thread; it must
  /// neither block nor throw.
  void execute(const CqlBound& bound, const std::string& page, Done done);
  void batch(const CqlBatch& batch, Done done);

  Task<Result<CqlRows>> execute(CqlBound bound, std::string page = {});
  /// All pages of its rows; the statement bounds them.
  Task<Result<std::vector<CqlRows>>> execute_all(CqlBound bound);
  /// The first page of each, in their order; `window` at a time.
  Task<Result<std::vector<CqlRows>>> execute_each(std::vector<CqlBound> bound, std::size_t window);
  /// A statement without values, not prepared: for what changes the schema.
  Task<Result<CqlRows>> query(std::string text, std::uint32_t timeout_ms);
  /// Sends all, `window` at a time; after the first error no more. On an error a part has happened.
  Task<Result<void>> write_all(std::vector<CqlBatch> batches, std::size_t window);

  /// Refuses new calls, waits for those in flight, then cancels them. Not from a callback.
  void close();
  std::size_t in_flight() const { return cql_in_flight(session_.get()); }

 private:
  struct Free {
    void operator()(cql_session* session) const { cql_session_free(session); }
  };

  CqlSession(const CqlOptions& options, cql_session* session)
      : options_(options), session_(session) {}

  const CqlOptions options_;
  const std::unique_ptr<cql_session, Free> session_;
};

/// Prepares one statement after the other, up to the first error.
class Preparing {
 public:
  explicit Preparing(CqlSession& session) : session_(session) {}
  void add(CqlStatement& statement, const std::string& text,
           const CqlStatementOptions& options = {});
  /// Errors: those of prepare(), of the first that failed.
  Result<void>& result() { return result_; }

 private:
  CqlSession& session_;
  Result<void> result_;
};

}  // namespace playhead
