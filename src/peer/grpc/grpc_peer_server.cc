// A stream's side that answers. Answers come from any thread, and gather while one message is being
// written.
#include "peer/grpc/grpc_peer_server.h"

#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>

#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "peer/grpc/wire.h"
#include "peers.grpc.pb.h"

namespace playhead {
namespace {

class Answering;

// What outlives a stream: handlers hold it until they have answered.
struct Gate {
  std::mutex mutex;  // guards what follows
  Answering* stream = nullptr;
};

// Invariant: from its end on nothing is started. Until it is finished gRPC keeps the stream, so
// whoever finds it through its gate may write.
class Answering final : public grpc::ServerBidiReactor<peer::Calls, peer::Answers> {
 public:
  Answering(const PeerHandler& handler, const PeerOptions& options)
      : handler_(handler), options_(options) {
    gate_->stream = this;
    StartRead(&calls_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return finish(grpc::Status::OK);
    if (calls_.format() != kPeerFormat)
      return finish({grpc::StatusCode::UNIMPLEMENTED, "it speaks another format"});
    for (peer::Call& call : *calls_.mutable_calls()) take(call);
    calls_.Clear();
    std::scoped_lock lock(gate_->mutex);
    if (!end_) StartRead(&calls_);
  }
  void OnWriteDone(bool ok) override {
    std::scoped_lock lock(gate_->mutex);
    writing_ = false;
    if (!ok) broken_ = true;  // its end follows
    if (end_)
      Finish(*end_);
    else
      write_next();
  }
  void OnCancel() override { finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void take(peer::Call& call) {
    bool full = false;
    {
      std::scoped_lock lock(gate_->mutex);
      full = open_ >= options_.in_flight_max;
      ++open_;
      if (full)
        answer(call.id(), fail(Errc::kOverloaded, "the account's owner has too much to do"));
    }
    if (full) return;
    handler_(static_cast<PeerCall>(call.call()), std::move(*call.mutable_body()),
             [gate = gate_, id = call.id()](Result<std::string> result) {
               std::scoped_lock lock(gate->mutex);
               if (gate->stream != nullptr) gate->stream->answer(id, std::move(result));
             });
  }
  // With the gate held, as what follows.
  void answer(std::uint64_t id, Result<std::string> result) {
    --open_;
    if (broken_) return;
    // Whoever asks may not read what he is told. Short answers he gets all the same.
    if (result &&
        (result->size() > options_.body_bytes_max ||
         (unsent_bytes_ > 0 && unsent_bytes_ + result->size() > options_.waiting_bytes_max)))
      result = fail(Errc::kUnavailable, "the answer is too large to be passed on");
    peer::Answer& out = unsent_.emplace_back();
    out.set_id(id);
    if (result) {
      unsent_bytes_ += result->size();
      out.set_body(*std::move(result));
    } else {
      out.set_code(static_cast<std::uint32_t>(result.error().code));
      out.set_detail(std::move(result.error().detail));
    }
    write_next();
  }
  void write_next() {
    if (writing_ || end_ || broken_ || unsent_.empty()) return;
    writing_ = true;
    written_.Clear();
    written_.set_format(kPeerFormat);
    for (std::size_t bytes = 0; !unsent_.empty() && bytes < options_.batch_bytes;) {
      peer::Answer& first = unsent_.front();
      bytes += first.body().size() + first.detail().size() + kPeerFramingBytes;
      unsent_bytes_ -= first.body().size();
      *written_.add_answers() = std::move(first);
      unsent_.pop_front();
    }
    StartWrite(&written_);
  }
  // Takes the gate. A write under way ends first; where nobody reads it, it fails with the stream.
  void finish(const grpc::Status& status) {
    std::scoped_lock lock(gate_->mutex);
    gate_->stream = nullptr;
    if (end_) return;
    end_ = status;
    if (!writing_) Finish(status);
  }

  const PeerHandler& handler_;
  const PeerOptions& options_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();  // its mutex guards what follows
  peer::Calls calls_;                                            // but this: of the reader
  peer::Answers written_;
  std::deque<peer::Answer> unsent_;
  std::size_t unsent_bytes_ = 0;
  std::size_t open_ = 0;  ///< calls that the handler has not answered
  bool writing_ = false, broken_ = false;
  std::optional<grpc::Status> end_;  ///< what it is finished with, once nothing is being written
};

class Refusing final : public grpc::ServerBidiReactor<peer::Calls, peer::Answers> {
 public:
  Refusing() { Finish({grpc::StatusCode::UNAUTHENTICATED, "the nodes' secrets differ"}); }
  void OnDone() override { delete this; }
};

class Serving final : public GrpcPeerServer {
 public:
  Serving(PeerHandler handler, const PeerOptions& options)
      : options_(options), service_(std::move(handler), options_) {}
  ~Serving() override { stop(); }

  Result<void> listen(const std::string& listen) {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(options_.message_bytes_max());
    builder.SetMaxSendMessageSize(options_.message_bytes_max());
    // Each side asks the other for a sign of life; streams of peers that are gone end.
    set_keepalive(options_,
                  [&](const char* name, int value) { builder.AddChannelArgument(name, value); });
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               static_cast<int>(options_.keepalive_ms / 2));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0)
      return fail(Errc::kUnavailable, "other nodes can't be answered at " + listen +
                                          ": the address is taken, or not this machine's");
    return {};
  }

  int port() const override { return port_; }
  void stop() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::milliseconds(options_.stop_ms));
    server_.reset();
  }

 private:
  class Node final : public peer::Node::CallbackService {
   public:
    Node(PeerHandler handler, const PeerOptions& options)
        : handler_(std::move(handler)), options_(options) {}

    grpc::ServerBidiReactor<peer::Calls, peer::Answers>* Ask(
        grpc::CallbackServerContext* context) override {
      if (!knows_secret(context->client_metadata())) return new Refusing;
      return new Answering(handler_, options_);
    }

   private:
    // In the same time, whatever of it is right.
    bool knows_secret(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) const {
      if (options_.secret.empty()) return true;
      const auto shown = metadata.find(kPeerSecretKey);
      return shown != metadata.end() && shown->second.size() == options_.secret.size() &&
             ::CRYPTO_memcmp(shown->second.data(), options_.secret.data(),
                             options_.secret.size()) == 0;
    }

    const PeerHandler handler_;
    const PeerOptions& options_;
  };

  const PeerOptions options_;
  Node service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<GrpcPeerServer>> GrpcPeerServer::start(const std::string& listen,
                                                              PeerHandler handler,
                                                              const PeerOptions& options) {
  auto server = std::make_unique<Serving>(std::move(handler), options);
  if (auto bound = server->listen(listen); !bound) return std::unexpected(bound.error());
  return server;
}

}  // namespace playhead
