// Listeners, the sweep over deadlines, and the end.
#include "http/worker.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/assert.h"
#include "http/connection.h"

namespace playhead {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr Millis kAcceptRetryMs = 100;    ///< after an error, as of too many open files
constexpr std::size_t kRefusalsMax = 64;  ///< connections that are being told there are too many

}  // namespace

bool Shared::origin_allowed(std::string_view origin) const {
  if (origin.empty()) return false;
  return any_origin ||
         std::ranges::find(options.cors_origins, origin) != options.cors_origins.end();
}

Worker::Worker(std::shared_ptr<Shared> shared, std::size_t index, asio::io_context& context)
    : shared_(std::move(shared)),
      index_(index),
      context_(context),
      timer_(context),
      json_(shared_->ingest),
      cmcd_(shared_->ingest) {
  look_at_clock();
}

void Worker::look_at_clock() {
  now_ms_ = clock().monotonic_ms();
  const std::int64_t second = clock().now().ms / 1000;
  if (second == date_s_) return;
  date_s_ = second;
  date_ = http_date(second);
  accepted_interval_ms_ = 0;
}

std::string_view Worker::accepted(std::uint32_t next_report_ms, bool secure) {
  if (accepted_interval_ms_ != next_report_ms) {
    accepted_interval_ms_ = next_report_ms;
    for (std::string& text : accepted_) text.clear();
  }
  std::string& text = accepted_[secure ? 1 : 0];
  if (text.empty()) {
    const Reply reply{
        .status = 204,
        .headers = "Playhead-Next-Report-Ms: " + std::to_string(next_report_ms) + "\r\n"};
    render(text, reply, {.date = date_, .secure = secure});
  }
  return text;
}

void Worker::serve(tcp::acceptor acceptor, Listener listener, const TlsContext* tls) {
  if (stopping_) return;
  auto shared = std::make_shared<tcp::acceptor>(std::move(acceptor));
  acceptors_.push_back(shared);
  asio::co_spawn(context_, accept(std::move(shared), listener, tls), asio::detached);
  if (std::exchange(sweeping_, true)) return;
  asio::co_spawn(context_, sweep(), asio::detached);
}

Task<> Worker::accept(std::shared_ptr<tcp::acceptor> acceptor, Listener listener,
                      const TlsContext* tls) {
  const auto self = shared_from_this();
  while (!stopping_) {
    boost::system::error_code error;
    tcp::socket socket =
        co_await acceptor->async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      admit(std::move(socket), listener, tls);
      continue;
    }
    if (stopping_) co_return;
    asio::steady_timer pause(context_, std::chrono::milliseconds(kAcceptRetryMs));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

template <typename Stream>
void Worker::start(Stream stream, Listener listener, bool full) {
  Connection<Stream>::start(
      std::make_shared<Connection<Stream>>(shared_from_this(), std::move(stream), listener), full);
}

void Worker::admit(tcp::socket socket, Listener listener, const TlsContext* tls) {
  const bool full = connections_.size() >= options().connections_max;
  if (full) {
    figures_.connections_refused.add();
    if (connections_.size() >= options().connections_max + kRefusalsMax) return;
  }
  boost::system::error_code error;
  socket.set_option(tcp::no_delay(true), error);
  socket.non_blocking(true, error);
  if (error) return;
  if (tls == nullptr) return start(std::move(socket), listener, full);
  if (SslSession session = tls->make_session())
    start(TlsStream(std::move(socket), std::move(session)), listener, full);
}

void Worker::enlist(ConnectionBase& connection) {
  connection.place_ = connections_.size();
  connections_.push_back(&connection);
  figures_.connections.add();
  figures_.connections_total.add();
}

void Worker::delist(ConnectionBase& connection) {
  PLAYHEAD_ASSERT(connections_[connection.place_] == &connection);
  connections_.back()->place_ = connection.place_;
  connections_[connection.place_] = connections_.back();
  connections_.pop_back();
  figures_.connections.sub();
  if (stopping_ && connections_.empty() && stopped_) std::exchange(stopped_, nullptr)();
}

Task<> Worker::sweep() {
  const auto self = shared_from_this();
  while (true) {
    timer_.expires_after(std::chrono::milliseconds(kSweepMs));
    boost::system::error_code error;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    look_at_clock();
    // Expiring cancels or closes, which ends the connection later, from the loop.
    for (ConnectionBase* connection : connections_) {
      if (connection->deadline_ms == 0 || now_ms_ < connection->deadline_ms) continue;
      connection->deadline_ms = 0;
      connection->expire();
    }
    if (stopping_ && connections_.empty()) co_return;
  }
}

void Worker::stop(std::function<void()> done) {
  stopping_ = true;
  for (const auto& acceptor : acceptors_) {
    boost::system::error_code ignored;
    acceptor->close(ignored);
  }
  if (connections_.empty()) return done();
  stopped_ = std::move(done);
  for (ConnectionBase* connection : connections_) connection->stop();
}

void Worker::cut() {
  for (ConnectionBase* connection : connections_) connection->cut();
}

}  // namespace playhead
