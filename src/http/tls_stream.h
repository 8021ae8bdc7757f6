// A TCP connection under TLS, with the calls of a stream that Connection uses.
//
// OpenSSL reads and writes the socket itself, and Asio says when it is ready. Asio's own
// ssl::stream keeps four buffers of 17 KiB for each connection, of which there may be 100,000 a
// thread; here one that waits keeps none.
//
// Concurrency: one thread. One read and one write may wait at a time, beside each other.
// Invariant: OpenSSL touches the socket only while it is open; its number may be another's later.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include "http/tls.h"
#include "runtime/task.h"

namespace playhead {

class TlsStream {
 public:
  using Error = boost::system::error_code;

  /// `socket` does not block. `session` is of a server, and new.
  TlsStream(boost::asio::ip::tcp::socket socket, SslSession session);

  auto get_executor() { return socket_.get_executor(); }
  boost::asio::ip::tcp::socket& socket() { return socket_; }

  /// False: it failed, and the peer has been told; or the socket was cancelled or closed.
  Task<bool> handshake();

  /// Like Asio's: at least a byte, or an error; eof: the peer ended its side, properly or not.
  /// `error` must live until it is done.
  Task<std::size_t> read_some(boost::asio::mutable_buffer room, Error* error);
  Task<std::size_t> write_some(boost::asio::const_buffer bytes, Error* error);

  /// Writes what the socket takes now; would_block: that was not all. The rest must come next.
  std::size_t write_some(boost::asio::const_buffer bytes, Error& error);

  /// Tells the peer that nothing more comes, if the socket takes that now.
  void end_writing();

 private:
  enum class Step : std::uint8_t { kDone, kAwaitRead, kAwaitWrite, kFailed };

  /// Calls `function`, as SSL_read, on `bytes`. kFailed: `error` says how.
  template <auto Function, typename Bytes>
  Step attempt(Bytes bytes, std::size_t& count, Error& error);
  Step judge(int result, Error& error);
  /// Until the socket is ready for it. An error: it was cancelled or closed meanwhile.
  Task<> wait(Step step, Error* error);

  boost::asio::ip::tcp::socket socket_;
  SslSession session_;
};

}  // namespace playhead
