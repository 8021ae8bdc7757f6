// Answers other nodes over gRPC: see grpc_peers.h.
#pragma once

#include <memory>
#include <string>

#include "peer/grpc/options.h"
#include "peer/peers.h"

namespace playhead {

class GrpcPeerServer {
 public:
  /// Answers at `listen` (HOST:PORT; port 0: a free one) from now on. Errors: unavailable.
  static Result<std::unique_ptr<GrpcPeerServer>> start(const std::string& listen,
                                                       PeerHandler handler,
                                                       const PeerOptions& options);
  virtual ~GrpcPeerServer() = default;

  virtual int port() const = 0;
  /// Takes no further streams, and after PeerOptions::stop_ms ends those there are: peers keep
  /// theirs open, so it takes that long. What is answered later is forgotten. Safe to repeat;
  /// not from the handler, for which it waits.
  virtual void stop() = 0;
};

}  // namespace playhead
