// One connection: a coroutine that reads, lets its Session answer, and writes; or streams events.
// Generic over the stream: a TCP socket, or a TlsStream, which begins with a handshake.
//
// Concurrency: its worker's thread. It lives until its coroutine ends.
// Invariant: while it waits for its peer, `deadline_ms` is set; the worker's sweep then calls
// expire().
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "http/events.h"
#include "http/problem.h"
#include "http/session.h"
#include "http/tls_stream.h"
#include "http/worker.h"

namespace playhead {

template <typename Stream>
class Connection final : public ConnectionBase,
                         public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(std::shared_ptr<Worker> worker, Stream stream, Listener listener)
      : worker_(std::move(worker)),
        stream_(std::move(stream)),
        session_(*worker_, listener, !kPlain) {
    worker_->enlist(*this);
  }
  ~Connection() override { worker_->delist(*this); }

  /// Serves until one side ends. `full`: there are too many connections; only says so.
  static void start(std::shared_ptr<Connection> self, bool full) {
    auto executor = self->stream_.get_executor();
    boost::asio::co_spawn(executor, run(std::move(self), full), boost::asio::detached);
  }

  void expire() override {
    expired_ = true;
    worker_->count().timeouts.add();
    if (reading_)
      cancel();
    else
      cut();
  }

  void stop() override {
    if (subscription_ != nullptr) return subscription_->wake();
    if (reading_ && session_.waiting().phase == Session::Phase::kIdle) cancel();
  }

  void cut() override {
    boost::system::error_code ignored;
    if constexpr (!kPlain) stream_.end_writing();
    socket().close(ignored);
  }

 private:
  using Error = boost::system::error_code;

  static constexpr bool kPlain = std::is_same_v<Stream, boost::asio::ip::tcp::socket>;
  static constexpr Millis kLingerMs = 2'000;               ///< for an answer to be read
  static constexpr std::size_t kLingerBytes = 16u << 20;   ///< that are read and thrown away
  static constexpr std::size_t kOutBytesKept = 64 * 1024;  ///< of memory for answers

  static Task<> run(std::shared_ptr<Connection> self, bool full) {
    co_await self->serve(full);
    self->cut();
  }

  boost::asio::ip::tcp::socket& socket() {
    if constexpr (kPlain)
      return stream_;
    else
      return stream_.socket();
  }

  // One read or write as it suits the stream.
  auto read_some(boost::asio::mutable_buffer room, Error& error) {
    if constexpr (kPlain)
      return stream_.async_read_some(
          room, boost::asio::redirect_error(boost::asio::use_awaitable, error));
    else
      return stream_.read_some(room, &error);
  }

  auto write_some(boost::asio::const_buffer bytes, Error& error) {
    if constexpr (kPlain)
      return stream_.async_write_some(
          bytes, boost::asio::redirect_error(boost::asio::use_awaitable, error));
    else
      return stream_.write_some(bytes, &error);
  }

  // False: there will be no TLS here. Whoever spoke something else may still read what we said.
  Task<bool> shake_hands() {
    deadline_ms = worker_->now_ms() + worker_->options().handshake_timeout_ms;
    reading_ = true;
    const bool done = co_await stream_.handshake();
    reading_ = false;
    deadline_ms = 0;
    if (done)
      worker_->count().handshakes.add();
    else
      worker_->count().handshake_errors.add();
    if (!done && !expired_ && !worker_->stopping()) co_await linger();
    co_return done;
  }

  Task<> serve(bool full) {
    if constexpr (!kPlain)
      if (!co_await shake_hands()) co_return;
    if (full)
      session_.give_up(problems::kOverloaded, "the server has as many connections as it may");
    while (true) {
      const Session::Next next = co_await session_.step();
      std::string& out = session_.out();
      if (!out.empty() && !try_write(out) && !co_await write(out)) co_return;
      switch (next) {
        case Session::Next::kWrite:
          break;
        case Session::Next::kEnd:
          if (session_.refused()) co_await linger();
          co_return;
        case Session::Next::kStream:
          co_return co_await serve_stream(session_.stream());
        case Session::Next::kRead:
          if (worker_->stopping() && session_.waiting().phase == Session::Phase::kIdle) co_return;
          if (!co_await read()) co_return;
          break;
      }
    }
  }

  // One read. False: nothing can be answered any more.
  Task<bool> read() {
    arm_read();
    const std::span<char> room = session_.room();
    Error error;
    reading_ = true;
    const std::size_t count = co_await read_some({room.data(), room.size()}, error);
    reading_ = false;
    deadline_ms = 0;
    if (count > 0) {
      worker_->count().bytes_in.add(count);
      session_.took(count);
    }
    if (!error) co_return true;
    const bool idle = session_.waiting().phase == Session::Phase::kIdle;
    if (idle) co_return false;
    if (expired_)
      session_.give_up(problems::kTimeout, "the request did not arrive in time");
    else if (error == boost::asio::error::eof)
      session_.give_up(problems::kInvalidRequest, "the request was cut short");
    else
      co_return false;
    expired_ = false;
    co_return true;
  }

  // The deadline counts from the begin of what is waited for, not from the last byte of it.
  void arm_read() {
    const Session::Waiting waiting = session_.waiting();
    if (waiting != waiting_) {
      waiting_ = waiting;
      const HttpOptions& options = worker_->options();
      const Millis span = waiting.phase == Session::Phase::kIdle   ? options.idle_timeout_ms
                          : waiting.phase == Session::Phase::kHead ? options.header_timeout_ms
                                                                   : options.body_timeout_ms;
      read_deadline_ms_ = worker_->now_ms() + span;
    }
    deadline_ms = read_deadline_ms_;
  }

  // Writes all of `out` if the socket takes it now. False: write() must go on with what is left.
  bool try_write(std::string& out) {
    Error error;
    const std::size_t count =
        stream_.write_some(boost::asio::const_buffer(out.data(), out.size()), error);
    worker_->count().bytes_out.add(count);
    if (!error && count == out.size()) {
      clear(out);
      return true;
    }
    out.erase(0, count);
    return false;
  }

  // False: the peer does not take it.
  Task<bool> write(std::string& out) {
    deadline_ms = worker_->now_ms() + worker_->options().write_timeout_ms;
    std::size_t done = 0;
    while (done < out.size()) {
      Error error;
      const std::size_t count = co_await write_some({out.data() + done, out.size() - done}, error);
      if (error) co_return false;
      worker_->count().bytes_out.add(count);
      done += count;
    }
    deadline_ms = 0;
    clear(out);
    co_return true;
  }

  static void clear(std::string& out) {
    if (out.capacity() > kOutBytesKept)
      out = std::string();
    else
      out.clear();
  }

  // Closing with bytes unread makes the kernel reset the connection, and the answer may be lost:
  // reads on for a while, beneath TLS.
  Task<> linger() {
    Error error;
    if constexpr (!kPlain) stream_.end_writing();
    socket().shutdown(boost::asio::socket_base::shutdown_send, error);
    deadline_ms = worker_->now_ms() + kLingerMs;
    char waste[4096];
    for (std::size_t wasted = 0; !error && wasted < kLingerBytes;) {
      reading_ = true;
      wasted += co_await socket().async_read_some(
          boost::asio::buffer(waste),
          boost::asio::redirect_error(boost::asio::use_awaitable, error));
      reading_ = false;
    }
  }

  Task<> serve_stream(std::unique_ptr<EventStream> stream) {
    worker_->count().streams.add();
    subscription_ = stream->subscription.get();
    boost::asio::co_spawn(stream_.get_executor(), watch(this->shared_from_this()),
                          boost::asio::detached);
    const Instant expires_at = stream->caller->expires_at;
    const std::uint64_t generation = stream->caller->generation;
    const Authenticator& authenticator = *worker_->shared().parts.authenticator;
    EventWriter writer(worker_->shared(), std::move(stream->caller));
    std::string out;
    while (!gone_ && !worker_->stopping()) {
      // What a token may see ends with it; whoever has a new one comes again.
      const Millis left_ms = left_of(expires_at);
      if (left_ms <= 0) break;
      const Deadline until = Deadline::after(
          worker_->clock(), std::min(left_ms, worker_->options().stream_comment_interval_ms));
      const Result<ViewersEvent> event = co_await stream->subscription->next(until);
      // So does what its key let it see: with other keys it has to show it anew.
      if (left_of(expires_at) <= 0 || authenticator.generation() != generation) break;
      if (event)
        writer.write(out, *event);
      else if (event.error().code == Errc::kNotFound)
        out += ":\n\n";
      else
        break;  // too slow: it comes again and gets a fresh snapshot
      if (gone_ || (!try_write(out) && !co_await write(out))) break;
    }
    subscription_ = nullptr;
    worker_->count().streams.sub();
  }

  Millis left_of(Instant until) const {
    return until == kForEver ? std::numeric_limits<Millis>::max() : until - worker_->clock().now();
  }

  // Reads nothing of interest from a stream's reader, but sees it go.
  static Task<> watch(std::shared_ptr<Connection> self) {
    Error error;
    while (!error) co_await self->read_some({&self->watched_, 1}, error);
    self->gone_ = true;
    if (self->subscription_ != nullptr) self->subscription_->wake();
  }

  void cancel() {
    Error ignored;
    socket().cancel(ignored);
  }

  std::shared_ptr<Worker> worker_;
  Stream stream_;
  Session session_;
  Session::Waiting waiting_{.phase = Session::Phase::kIdle,
                            .serial = std::numeric_limits<std::uint64_t>::max()};
  Millis read_deadline_ms_ = 0;
  Subscription* subscription_ = nullptr;
  char watched_ = 0;
  bool reading_ = false, expired_ = false, gone_ = false;
};

}  // namespace playhead
