// One thread's part of the server: its listeners, its connections, and what they have in common.
//
// Concurrency: everything on the worker's own thread, but figures(), which any thread may read.
// Invariants:
//  1. A connection is in `connections_` from its making to its end.
//  2. Deadlines are looked at every kSweepMs: there is no timer per request.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/demo.h"
#include "http/figures.h"
#include "http/options.h"
#include "http/routes.h"
#include "http/server.h"
#include "http/tls.h"
#include "ingest/cmcd.h"
#include "ingest/json.h"

namespace playhead {

/// What all threads of a server share. Read-only but for the atomics and what the mutex guards.
struct Shared {
  ServerParts parts;
  HttpOptions options;
  IngestOptions ingest;
  DemoFiles demo;  ///< read by Server::listen(), before the first connection
  std::vector<const HttpFigures*> figures;  ///< one a thread
  bool any_origin = false;                  ///< cors_origins holds "*"
  bool has_operators = false;               ///< there is a listener for operators
  std::unique_ptr<TlsContext> tls;          ///< null: plain HTTP
  std::atomic<bool> ready = false;
  std::atomic<std::uint64_t> events = 0;  ///< of streams: the n of "boot-n"
  std::mutex mutex;
  std::string not_ready = "the server is starting";  ///< guarded by `mutex`

  bool origin_allowed(std::string_view origin) const;
};

/// What a worker knows of a connection. See connection.h.
class ConnectionBase {
 public:
  virtual ~ConnectionBase() = default;
  /// Its deadline has passed: it must not wait for its peer any longer.
  virtual void expire() = 0;
  /// The server stops: what is idle or streams ends now, requests in flight finish.
  virtual void stop() = 0;
  /// Ends it whatever it does.
  virtual void cut() = 0;

  Millis deadline_ms = 0;  ///< on Worker::now_ms(); 0: none

 private:
  friend class Worker;
  std::size_t place_ = 0;
};

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(std::shared_ptr<Shared> shared, std::size_t index, boost::asio::io_context& context);

  Shared& shared() { return *shared_; }
  const HttpOptions& options() const { return shared_->options; }
  Service& service() { return *shared_->parts.service; }
  Transfer& transfer() { return *shared_->parts.transfer; }
  const Clock& clock() const { return *shared_->parts.clock; }
  std::size_t index() const { return index_; }
  bool ready() const { return shared_->ready.load(std::memory_order_acquire); }
  bool stopping() const { return stopping_; }

  /// The monotonic clock as it was at the last sweep: at most kSweepMs old.
  Millis now_ms() const { return now_ms_; }
  /// HTTP's date, from the last sweep.
  std::string_view date() const { return date_; }
  /// This thread's parsers. What they gave lives until their next call: never keep it over an
  /// await.
  JsonParser& json() { return json_; }
  CmcdParser& cmcd() { return cmcd_; }

  /// The whole answer to an accepted report on a connection that stays open.
  std::string_view accepted(std::uint32_t next_report_ms, bool secure);

  /// Accepts from `acceptor`, which is bound and listens. `tls`: null for plain HTTP.
  void serve(boost::asio::ip::tcp::acceptor acceptor, Listener listener, const TlsContext* tls);
  void enlist(ConnectionBase& connection);
  void delist(ConnectionBase& connection);

  /// Stops accepting and asks every connection to end; `done` is called when the last one has.
  void stop(std::function<void()> done);
  /// Ends the connections that are left.
  void cut();

  const HttpFigures& figures() const { return figures_; }
  HttpFigures& count() { return figures_; }

  static constexpr Millis kSweepMs = 250;

 private:
  Task<> accept(std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor, Listener listener,
                const TlsContext* tls);
  void admit(boost::asio::ip::tcp::socket socket, Listener listener, const TlsContext* tls);
  template <typename Stream>
  void start(Stream stream, Listener listener, bool full);
  Task<> sweep();
  void look_at_clock();

  std::shared_ptr<Shared> shared_;
  std::size_t index_;
  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  std::vector<std::shared_ptr<boost::asio::ip::tcp::acceptor>> acceptors_;
  std::vector<ConnectionBase*> connections_;
  std::function<void()> stopped_;
  bool sweeping_ = false;
  bool stopping_ = false;
  Millis now_ms_ = 0;
  std::int64_t date_s_ = -1;
  std::string date_;
  std::array<std::string, 2> accepted_;  ///< plain, and under TLS
  std::uint32_t accepted_interval_ms_ = 0;
  HttpFigures figures_;
  JsonParser json_;
  CmcdParser cmcd_;
};

}  // namespace playhead
