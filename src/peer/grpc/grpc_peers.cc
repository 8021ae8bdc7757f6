// Links, one an address: a stream, what waits for it, and what it has not answered.
#include "peer/grpc/grpc_peers.h"

#include <grpcpp/grpcpp.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "peer/grpc/wire.h"
#include "peers.grpc.pb.h"

namespace playhead {
namespace {

// A call that waits for its answer, on the executor of whoever asked.
struct Waiter {
  Executor executor;
  boost::asio::steady_timer timer;  ///< until the deadline; cancelled by the answer
  std::optional<Result<std::string>> result;

  Waiter(const Executor& at, Deadline until, const Clock& clock) : executor(at), timer(at) {
    timer.expires_after(
        std::chrono::milliseconds(std::max<Millis>(until.at_ms - clock.monotonic_ms(), 0)));
  }
  // From any thread; the first answer counts.
  static void answer(const std::shared_ptr<Waiter>& self, Result<std::string> result) {
    boost::asio::post(self->executor, [self, result = std::move(result)]() mutable {
      if (self->result) return;
      self->result = std::move(result);
      self->timer.cancel();
    });
  }
};

// A newer node may give reasons that are not known here.
Result<std::string> result_of(peer::Answer& answer) {
  if (answer.code() == 0) return std::move(*answer.mutable_body());
  const bool known = answer.code() <= static_cast<std::uint32_t>(Errc::kErased);
  return fail(known ? static_cast<Errc>(answer.code()) : Errc::kUnavailable,
              std::move(*answer.mutable_detail()));
}

grpc::ChannelArguments arguments_of(const PeerOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.message_bytes_max());
  arguments.SetMaxSendMessageSize(options.message_bytes_max());
  set_keepalive(options, [&](const char* name, int value) { arguments.SetInt(name, value); });
  const int reconnect_ms = static_cast<int>(options.reconnect_ms);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_ms);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_ms);
  // By its name the least time between two tries; what it sets is how long a try may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(options.connect_ms));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Nodes are near: no proxy that the environment names, no configuration from DNS.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

class Link;

// One life of a link's stream. Deletes itself when gRPC is done with it.
class Stream final : public grpc::ClientBidiReactor<peer::Calls, peer::Answers> {
 public:
  Stream(Link& link, peer::Node::Stub& stub, const std::string& secret) : link_(link) {
    if (!secret.empty()) context_.AddMetadata(kPeerSecretKey, secret);
    context_.set_wait_for_ready(false);
    stub.async()->Ask(&context_, this);
  }
  void begin() {
    AddHold();  // for writes, which start from other threads than reactions
    StartRead(&answers_);
    StartCall();
  }
  void write(peer::Calls calls) {
    calls_ = std::move(calls);
    StartWrite(&calls_);
  }
  void cancel() { context_.TryCancel(); }
  void release() { RemoveHold(); }

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  Link& link_;
  grpc::ClientContext context_;
  peer::Calls calls_;
  peer::Answers answers_;
};

// Invariant: nothing is started on a stream that is broken, whose hold is released or about to be;
// calls that are unsent also wait.
class Link {
 public:
  Link(std::string address, const PeerOptions& options, const Clock& clock)
      : address_(std::move(address)), options_(options), clock_(clock) {
    connect();
  }
  // Waits until gRPC is done with the streams: they refer to this link.
  ~Link() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    if (stream_ != nullptr) stream_->cancel();
    gone_.wait(lock, [&] { return streams_ == 0; });
  }

  // Errors: overloaded, unavailable.
  Result<std::uint64_t> send(PeerCall call, std::string bytes, std::shared_ptr<Waiter> waiter) {
    // The end of a channel waits for reactions, which wait for the mutex: it comes after the
    // lock's.
    std::unique_ptr<peer::Node::Stub> former;
    std::scoped_lock lock(mutex_);
    if (closed_) return fail(Errc::kUnavailable, "the node stops");
    if (bytes.size() > options_.body_bytes_max)
      return fail(Errc::kOverloaded, "it is too large to be passed on");
    if (waiting_.size() >= options_.in_flight_max ||
        unsent_bytes_ + bytes.size() > options_.waiting_bytes_max)
      return fail(Errc::kOverloaded, "too much is on its way to the account's owner");
    const std::uint64_t id = ++ids_;
    waiting_.emplace(id, std::move(waiter));
    peer::Call& message = unsent_[id];
    message.set_id(id);
    message.set_call(static_cast<std::uint32_t>(call));
    unsent_bytes_ += bytes.size();
    message.set_body(std::move(bytes));
    if (stream_ == nullptr) former = begin();
    write_next();
    return id;
  }

  // Nobody waits for it any more; if it is unsent it stays so.
  void forget(std::uint64_t id) {
    std::scoped_lock lock(mutex_);
    waiting_.erase(id);
    const auto found = unsent_.find(id);
    if (found == unsent_.end()) return;
    unsent_bytes_ -= found->second.body().size();
    unsent_.erase(found);
  }

  bool idle() {
    std::scoped_lock lock(mutex_);
    return streams_ == 0;
  }

  void written(bool ok) {
    std::scoped_lock lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
    write_next();
    let_go();
  }
  void took(peer::Answers& answers) {
    std::scoped_lock lock(mutex_);
    heard_ms_ = clock_.monotonic_ms();
    failed_ = false;
    for (peer::Answer& answer : *answers.mutable_answers()) {
      const auto found = waiting_.find(answer.id());
      if (found == waiting_.end()) continue;  // its deadline has passed
      Waiter::answer(found->second, result_of(answer));
      waiting_.erase(found);
    }
  }
  // No more will be read: the stream ends.
  void broke() {
    std::scoped_lock lock(mutex_);
    broken_ = true;
    let_go();
  }
  // gRPC is done with the stream, which is still there.
  void ended(const grpc::Status& status) {
    std::scoped_lock lock(mutex_);
    stream_ = nullptr;
    unsent_.clear();
    unsent_bytes_ = 0;
    for (auto& [id, waiter] : std::exchange(waiting_, {}))
      Waiter::answer(waiter, fail(Errc::kUnavailable, "the account's owner can't be reached: " +
                                                          status.error_message()));
  }
  // The last that a stream's end does with the link.
  void gone() {
    std::scoped_lock lock(mutex_);
    --streams_;
    gone_.notify_all();
  }

 private:
  std::unique_ptr<peer::Node::Stub> connect() {
    heard_ms_ = clock_.monotonic_ms();
    return std::exchange(
        stub_, peer::Node::NewStub(grpc::CreateCustomChannel(
                   address_, grpc::InsecureChannelCredentials(), arguments_of(options_))));
  }
  // With the mutex held, as all that follows. Gives back the former channel, if this is on a new
  // one.
  std::unique_ptr<peer::Node::Stub> begin() {
    // gRPC waits for up to two minutes until it resolves a name again that it could not. A stream
    // keeps its channel, and may not be the last to: it goes on a thread that the channel's end
    // waits for.
    std::unique_ptr<peer::Node::Stub> former;
    if (failed_ && streams_ == 0 && clock_.monotonic_ms() - heard_ms_ >= options_.renew_ms)
      former = connect();
    failed_ = true;
    broken_ = released_ = writing_ = false;
    ++streams_;
    stream_ = new Stream(*this, *stub_, options_.secret);
    stream_->begin();
    return former;
  }
  void write_next() {
    if (writing_ || broken_ || unsent_.empty()) return;
    peer::Calls calls;
    calls.set_format(kPeerFormat);
    for (std::size_t bytes = 0; !unsent_.empty() && bytes < options_.batch_bytes;) {
      const auto first = unsent_.begin();
      bytes += first->second.body().size() + kPeerFramingBytes;
      unsent_bytes_ -= first->second.body().size();
      *calls.add_calls() = std::move(first->second);
      unsent_.erase(first);
    }
    writing_ = true;
    stream_->write(std::move(calls));
  }
  void let_go() {
    if (broken_ && !writing_ && !std::exchange(released_, true)) stream_->release();
  }

  const std::string address_;
  const PeerOptions& options_;
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable gone_;
  std::unique_ptr<peer::Node::Stub> stub_;
  Stream* stream_ = nullptr;
  std::size_t streams_ = 0;  ///< that were not deleted
  bool writing_ = false, broken_ = false, released_ = false, closed_ = false;
  bool failed_ = false;  ///< the last stream has brought nothing
  Millis heard_ms_ = 0;  ///< when an answer came, or the channel was made
  std::uint64_t ids_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> waiting_;
  std::map<std::uint64_t, peer::Call> unsent_;  // in their order
  std::size_t unsent_bytes_ = 0;
};

void Stream::OnWriteDone(bool ok) { link_.written(ok); }

void Stream::OnReadDone(bool ok) {
  if (!ok) return link_.broke();
  if (answers_.format() != kPeerFormat) {
    context_.TryCancel();
    return link_.broke();
  }
  link_.took(answers_);
  StartRead(&answers_);
}

void Stream::OnDone(const grpc::Status& status) {
  Link& link = link_;
  link.ended(status);
  delete this;
  link.gone();
}

// A call's place in its link, until its Task has ended or is destroyed with its loop: the link may
// not post to an executor that is no more.
class Place {
 public:
  Place(Link& link, std::uint64_t id) : link_(link), id_(id) {}
  ~Place() { link_.forget(id_); }
  Place(const Place&) = delete;

 private:
  Link& link_;
  const std::uint64_t id_;
};

class Asking final : public GrpcPeers {
 public:
  Asking(const PeerOptions& options, const Clock& clock) : options_(options), clock_(clock) {}

  Task<Result<std::string>> ask(std::string address, PeerCall call, std::string bytes,
                                Deadline until) override {
    if (until.passed(clock_)) co_return fail(Errc::kUnavailable, "no time is left to ask");
    const auto link = link_to(address);
    if (!link) co_return std::unexpected(link.error());
    const Executor executor = co_await boost::asio::this_coro::executor;
    auto waiter = std::make_shared<Waiter>(executor, until, clock_);
    const auto id = (*link)->send(call, std::move(bytes), waiter);
    if (!id) co_return std::unexpected(id.error());
    const Place place(**link, *id);
    boost::system::error_code ignored;
    if (!waiter->result)
      co_await waiter->timer.async_wait(
          boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    if (waiter->result) co_return std::move(*waiter->result);
    waiter->result = fail(Errc::kUnavailable, "late");  // for an answer under way
    co_return fail(Errc::kUnavailable, "the account's owner did not answer in time");
  }

 private:
  // Errors: overloaded.
  Result<std::shared_ptr<Link>> link_to(const std::string& address) {
    std::scoped_lock lock(mutex_);
    if (const auto found = links_.find(address); found != links_.end()) return found->second;
    // Nodes go, and come elsewhere. Links are shared under the lock only: what is not, stays so.
    if (links_.size() >= options_.peers_max)
      std::erase_if(links_, [](const auto& item) {
        return item.second.use_count() == 1 && item.second->idle();
      });
    if (links_.size() >= options_.peers_max)
      return fail(Errc::kOverloaded, "so many nodes are being asked that no more can be");
    return links_.emplace(address, std::make_shared<Link>(address, options_, clock_)).first->second;
  }

  const PeerOptions options_;
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<Link>> links_;
};

}  // namespace

std::unique_ptr<GrpcPeers> GrpcPeers::make(const PeerOptions& options, const Clock& clock) {
  return std::make_unique<Asking>(options, clock);
}

}  // namespace playhead
