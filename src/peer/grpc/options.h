// The limits of the way between nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace playhead {

/// Of the messages; a stream of another one is refused.
inline constexpr std::uint32_t kPeerFormat = 1;

struct PeerOptions {
  std::string secret;                         ///< what nodes show each other; empty: nothing
  std::size_t in_flight_max = 4'096;          ///< calls without an answer, a peer; more: overloaded
  std::size_t waiting_bytes_max = 64u << 20;  ///< of calls not yet sent, a peer; more: overloaded.
                                              ///< Of answers too; more: unavailable
  std::size_t body_bytes_max = 64u << 20;     ///< of one call, or answer
  std::size_t batch_bytes = 1u << 20;         ///< a message gets nothing further above it
  std::size_t peers_max = 1'024;              ///< addresses; one without a stream makes room
  Millis connect_ms = 1'000;                  ///< for a connection
  Millis reconnect_ms = 200;                  ///< from a failed connection to the next
  Millis renew_ms = 5'000;      ///< without any answer; then the peer's name is resolved anew
  Millis keepalive_ms = 2'000;  ///< of silence, then the other side is asked for a sign
  Millis keepalive_timeout_ms = 1'000;  ///< for the sign; then the connection ends
  Millis stop_ms = 200;                 ///< what is under way has so long to end

  /// Of one message: a batch, with a whole body more.
  int message_bytes_max() const {
    constexpr std::size_t kFraming = 4'096;
    return static_cast<int>(body_bytes_max + batch_bytes + kFraming);
  }
};

/// What a call or answer takes beside its body, at most: counted, so that a batch of empty ones
/// ends too.
inline constexpr std::size_t kPeerFramingBytes = 32;

}  // namespace playhead
