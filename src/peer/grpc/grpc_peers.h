// The way to other nodes over gRPC: one stream a pair of nodes, on which calls travel in batches.
// What comes while a message is being written goes with the next.
//
// It is not encrypted: keep the port private. A secret, if one is set, keeps strangers out who
// can't listen. Concurrency: as the port says; an executor runs one thing at a time. It outlives
// every Task that it gave: each has ended, or was destroyed with its loop. Invariant: each call is
// answered once: by the peer, by the end of its stream, or by its deadline, whatever the peer does.
#pragma once

#include <memory>

#include "peer/grpc/options.h"
#include "peer/peers.h"
#include "runtime/clock.h"

namespace playhead {

class GrpcPeers : public Peers {
 public:
  /// `clock` outlives it. Its end waits for that of its streams, which it cancels.
  static std::unique_ptr<GrpcPeers> make(const PeerOptions& options, const Clock& clock);
};

}  // namespace playhead
