// One keep-alive connection that posts bodies and matches the answers, in order. Non-blocking; the
// loop that owns it says when its socket is ready. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/result.h"

namespace playhead {

/// Where to connect to.
struct Target {
  std::string host;
  std::uint16_t port = 0;
};

/// A body under way.
struct InFlight {
  std::uint64_t batch = 0;
  std::int64_t intended_ns = 0;  ///< when it should have been sent: late ones count as slow
};

/// One answer.
struct Arrived {
  InFlight request;
  unsigned status = 0;
  std::string body;  ///< of an answer other than 204
};

class Client {
 public:
  Client() = default;
  Client(Client&& other) noexcept;
  ~Client();

  /// Errors: unavailable.
  Result<void> connect(const Target& target);

  /// Queues a body. Call write() afterwards.
  void post(std::string_view body, const InFlight& request);
  /// Sends what the socket takes. Errors: unavailable (the connection has broken).
  Result<void> write();
  /// Reads what is there, and appends the answers that are whole. Errors: as write().
  Result<void> read(std::deque<Arrived>& arrived);

  void close();
  bool open() const { return socket_ >= 0; }
  bool unsent() const { return sent_ < out_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }
  int socket() const { return socket_; }

 private:
  bool take_answer(std::deque<Arrived>& arrived);

  int socket_ = -1;
  std::string head_;  ///< of every request, up to the length's value
  std::string out_, in_;
  std::size_t sent_ = 0;
  std::deque<InFlight> in_flight_;
};

}  // namespace playhead
