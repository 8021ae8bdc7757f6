// What both sides of a stream must say alike.
#pragma once

#include <grpcpp/grpcpp.h>

#include "peer/grpc/options.h"

namespace playhead {

/// Under which a stream shows its secret. "-bin": any bytes may follow, not only printable ones; of
/// others gRPC would abort the process.
inline constexpr const char* kPeerSecretKey = "playhead-secret-bin";

/// Sets what finds a peer that is silent: `arguments` is a ChannelArguments' or builder's setter.
template <typename Set>
void set_keepalive(const PeerOptions& options, Set set) {
  set(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive_ms));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(options.keepalive_timeout_ms));
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace playhead
