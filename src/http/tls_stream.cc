// Each call tries at once, and waits for the socket only if OpenSSL asks for it.
#include "http/tls_stream.h"

#include <openssl/err.h>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace playhead {

namespace asio = boost::asio;
using asio::ip::tcp;

TlsStream::TlsStream(tcp::socket socket, SslSession session)
    : socket_(std::move(socket)), session_(std::move(session)) {
  ::SSL_set_fd(session_.get(), static_cast<int>(socket_.native_handle()));
}

// What OpenSSL asks for.
TlsStream::Step TlsStream::judge(int result, Error& error) {
  switch (::SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_NONE:
      return Step::kDone;
    case SSL_ERROR_WANT_READ:
      return Step::kAwaitRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kAwaitWrite;
    case SSL_ERROR_ZERO_RETURN:
      error = asio::error::eof;
      return Step::kFailed;
    default:
      ::ERR_clear_error();
      error = asio::error::connection_reset;
      return Step::kFailed;
  }
}

template <auto Function, typename Bytes>
TlsStream::Step TlsStream::attempt(Bytes bytes, std::size_t& count, Error& error) {
  if (!socket_.is_open()) {
    error = asio::error::bad_descriptor;
    return Step::kFailed;
  }
  ::ERR_clear_error();
  return judge(Function(session_.get(), bytes.data(), bytes.size(), &count), error);
}

Task<> TlsStream::wait(Step step, Error* error) {
  co_await socket_.async_wait(
      step == Step::kAwaitRead ? tcp::socket::wait_read : tcp::socket::wait_write,
      asio::redirect_error(asio::use_awaitable, *error));
}

Task<bool> TlsStream::handshake() {
  Error error;
  while (!error && socket_.is_open()) {
    ::ERR_clear_error();
    const Step step = judge(::SSL_do_handshake(session_.get()), error);
    if (step == Step::kDone) co_return true;
    if (step != Step::kFailed) co_await wait(step, &error);
  }
  co_return false;
}

Task<std::size_t> TlsStream::read_some(asio::mutable_buffer room, Error* error) {
  std::size_t count = 0;
  for (;;) {
    const Step step = attempt<::SSL_read_ex>(room, count, *error);
    if (step == Step::kDone) co_return count;
    if (step == Step::kFailed) co_return 0;
    co_await wait(step, error);
    if (*error) co_return 0;
  }
}

Task<std::size_t> TlsStream::write_some(asio::const_buffer bytes, Error* error) {
  std::size_t count = 0;
  for (;;) {
    const Step step = attempt<::SSL_write_ex>(bytes, count, *error);
    if (step == Step::kDone) co_return count;
    if (step == Step::kFailed) co_return 0;
    co_await wait(step, error);
    if (*error) co_return 0;
  }
}

std::size_t TlsStream::write_some(asio::const_buffer bytes, Error& error) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    std::size_t count = 0;
    const Step step = attempt<::SSL_write_ex>(bytes + done, count, error);
    if (step == Step::kFailed) break;
    if (step != Step::kDone) {
      error = asio::error::would_block;
      break;
    }
    done += count;
  }
  return done;
}

void TlsStream::end_writing() {
  const bool said = (::SSL_get_shutdown(session_.get()) & SSL_SENT_SHUTDOWN) != 0;
  if (said || !socket_.is_open() || ::SSL_in_init(session_.get()) != 0) return;
  ::ERR_clear_error();
  ::SSL_shutdown(session_.get());
  ::ERR_clear_error();
}

}  // namespace playhead
