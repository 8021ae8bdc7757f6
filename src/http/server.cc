// Binding, starting and stopping; everything else happens on the workers' threads.
#include "http/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <mutex>

#include "base/assert.h"
#include "http/passing.h"
#include "http/worker.h"

namespace playhead {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr int kBacklog = 4096;

Result<tcp::endpoint> resolve(const ListenAddress& address, asio::io_context& context) {
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(address.host, error);
  if (!error) return tcp::endpoint(literal, address.port);
  tcp::resolver resolver(context);
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(Errc::kInvalidArgument, "there is no address named '" + address.host + "'");
  // IPv4 first: "localhost" is 127.0.0.1 to nearly everybody.
  for (const auto& entry : found)
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  return found.begin()->endpoint();
}

Result<tcp::acceptor> open(const tcp::endpoint& endpoint, bool shared, asio::io_context& context) {
  boost::system::error_code error;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error && shared) acceptor.listen(kBacklog, error);
  if (!error) return acceptor;
  const std::string where =
      endpoint.address().to_string() + " port " + std::to_string(endpoint.port());
  if (error == asio::error::address_in_use)
    return fail(Errc::kUnavailable,
                where + " is taken by another process; stop it, or listen on another port");
  return fail(Errc::kUnavailable, "can't listen on " + where + ": " + error.message());
}

}  // namespace

Server::Server(const ServerParts& parts, HttpOptions options, IngestOptions ingest)
    : shared_(std::make_shared<Shared>()) {
  shared_->parts = parts;
  shared_->options = std::move(options);
  shared_->ingest = ingest;
  for (const std::string& origin : shared_->options.cors_origins)
    if (origin == "*") shared_->any_origin = true;
  shared_->has_operators = !shared_->options.admin_listen.empty();
  Threads& threads = parts.shards->threads();
  for (std::size_t i = 0; i < threads.count(); ++i)
    workers_.push_back(std::make_shared<Worker>(shared_, i, threads.context(i)));
  shared_->figures = figures();
}

Server::~Server() = default;

Result<void> Server::listen() {
  if (shared_->options.has_tls()) {
    auto tls = TlsContext::open(shared_->options);
    if (!tls) return std::unexpected(tls.error());
    shared_->tls = *std::move(tls);
  }
  if (!shared_->options.demo_dir.empty()) {
    auto demo = DemoFiles::read(shared_->options.demo_dir);
    if (!demo) return std::unexpected(demo.error());
    shared_->demo = *std::move(demo);
  }
  auto port = bind(shared_->options.listen, false);
  if (!port) return std::unexpected(port.error());
  port_ = *port;
  if (!shared_->has_operators) return {};
  port = bind(shared_->options.admin_listen, true);
  if (!port) return std::unexpected(port.error());
  admin_port_ = *port;
  return {};
}

Result<bool> Server::refresh_certificate() {
  return shared_->tls ? shared_->tls->refresh() : false;
}

std::optional<Instant> Server::certificate_expires_at() const {
  if (!shared_->tls) return std::nullopt;
  return shared_->tls->expires_at();
}

// A listener a thread for the public; one, on the first thread, for operators.
Result<std::uint16_t> Server::bind(const std::string& listen, bool admin) {
  const auto address = parse_listen(listen);
  if (!address) return std::unexpected(address.error());
  if (auto safe = check_listen(*shared_->parts.authenticator, address->host); !safe)
    return std::unexpected(safe.error());
  Threads& threads = shared_->parts.shards->threads();
  auto endpoint = resolve(*address, threads.context(0));
  if (!endpoint) return std::unexpected(endpoint.error());
  // With SO_REUSEPORT two servers would silently share a port: first sees whether it is free.
  if (auto probe = open(*endpoint, false, threads.context(0)); !probe)
    return std::unexpected(probe.error());
  const Listener listener = admin                    ? Listener::kOperators
                            : shared_->has_operators ? Listener::kPublic
                                                     : Listener::kEverything;
  // Probes and scrapers on this machine need no certificate's name.
  const TlsContext* tls = admin && is_loopback(address->host) ? nullptr : shared_->tls.get();
  for (std::size_t i = 0; i < (admin ? 1 : workers_.size()); ++i) {
    auto acceptor = open(*endpoint, true, threads.context(i));
    if (!acceptor) return std::unexpected(acceptor.error());
    boost::system::error_code error;
    endpoint->port(acceptor->local_endpoint(error).port());
    threads.post(i, [worker = workers_[i], listener, tls,
                     acceptor = std::make_shared<tcp::acceptor>(*std::move(acceptor))] {
      worker->serve(std::move(*acceptor), listener, tls);
    });
  }
  return endpoint->port();
}

void Server::take_passed_on(std::string message, PeerAnswer answer) {
  const auto& worker = workers_[next_worker_++ % workers_.size()];
  auto task = [](std::shared_ptr<Worker> at, std::string bytes, PeerAnswer then) -> Task<> {
    then(co_await answer_request(std::move(at), std::move(bytes)));
  };
  boost::asio::co_spawn(shared_->parts.shards->threads().executor(worker->index()),
                        task(worker, std::move(message), std::move(answer)), boost::asio::detached);
}

void Server::set_ready(bool ready, std::string detail) {
  {
    std::scoped_lock lock(shared_->mutex);
    shared_->not_ready = std::move(detail);
  }
  shared_->ready.store(ready);
}

void Server::stop() {
  if (std::exchange(stopped_, true)) return;
  struct Left {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t count = 0;
  };
  const auto left = std::make_shared<Left>();
  left->count = workers_.size();
  Threads& threads = shared_->parts.shards->threads();
  for (const auto& worker : workers_)
    threads.post(worker->index(), [worker, left] {
      worker->stop([left] {
        std::scoped_lock lock(left->mutex);
        --left->count;
        left->changed.notify_all();
      });
    });
  const auto gone = [&] { return left->count == 0; };
  std::unique_lock lock(left->mutex);
  if (left->changed.wait_for(lock, std::chrono::milliseconds(shared_->options.stop_timeout_ms),
                             gone))
    return;
  lock.unlock();
  for (const auto& worker : workers_) threads.post(worker->index(), [worker] { worker->cut(); });
}

std::vector<const HttpFigures*> Server::figures() const {
  std::vector<const HttpFigures*> all;
  all.reserve(workers_.size());
  for (const auto& worker : workers_) all.push_back(&worker->figures());
  return all;
}

}  // namespace playhead
