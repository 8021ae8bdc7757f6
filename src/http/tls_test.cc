// TLS as its two ends see it, in one process: the server's is a TlsStream on a thread of its own,
// the client's is OpenSSL on a socket that blocks, on the test's thread.
#include "http/tls.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <future>
#include <optional>
#include <thread>

#include "http/tls_stream.h"
#include "http/tls_test_kit.h"

namespace playhead {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = TlsStream::Error;

TEST(TlsContext, SaysWhichFileIsWrongAndWhatToDo) {
  TlsFiles files, others;
  HttpOptions options = files.options();
  options.tls_key = others.options().tls_key;
  const auto other = TlsContext::open(options);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().detail.find("http.tls_key"), std::string::npos) << other.error().detail;
  EXPECT_NE(other.error().detail.find("is not the key of"), std::string::npos);
  options.tls_key = "/nowhere/key.pem";
  const auto absent = TlsContext::open(options);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().detail.find("No such file"), std::string::npos);
  files.spoil();
  const auto spoilt = TlsContext::open(files.options());
  ASSERT_FALSE(spoilt);
  EXPECT_NE(spoilt.error().detail.find("http.tls_certificate"), std::string::npos);
}

TEST(TlsContext, TakesOverWhatChangedAndSaysOnceWhatCanNotBeUsed) {
  TlsFiles files;
  const auto context = *TlsContext::open(files.options());
  const Instant before = context->expires_at();
  EXPECT_FALSE(*context->refresh()) << "nothing has changed";
  files.spoil();
  EXPECT_FALSE(context->refresh());
  EXPECT_FALSE(*context->refresh()) << "that has been said";
  EXPECT_EQ(context->reload_errors(), 1u);
  EXPECT_EQ(context->expires_at(), before);
  EXPECT_NE(context->make_session(), nullptr) << "the one from before holds on";
  files.renew(60);
  EXPECT_TRUE(*context->refresh());
  EXPECT_EQ(context->reloads(), 1u);
  EXPECT_GT(context->expires_at(), before);
}

TEST(TlsContext, MayBeAskedByEveryThreadWhileItChanges) {
  constexpr int kThreads = 3, kSessions = 300, kChanges = 10;
  TlsFiles files;
  const auto context = *TlsContext::open(files.options());
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < kSessions; ++j) {
        EXPECT_NE(context->make_session(), nullptr);
        EXPECT_GT(context->expires_at().ms, 0);
      }
    });
  for (int i = 0; i < kChanges; ++i) {
    files.renew(40 + i);
    EXPECT_TRUE(context->refresh());
  }
  EXPECT_GT(context->reloads(), 0u);
}

// A server for one connection, and that connection from the client's side.
class Ends {
 public:
  // A small buffer makes a writer wait soon.
  explicit Ends(int buffer_bytes = 0) : context_(1), work_(context_.get_executor()) {
    std::signal(SIGPIPE, SIG_IGN);  // as the binary does
    tls_ = *TlsContext::open(files_.options());
    tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
    client_.emplace(client_context_);
    client_->open(tcp::v4());
    if (buffer_bytes > 0) client_->set_option(asio::socket_base::receive_buffer_size(buffer_bytes));
    client_->connect(acceptor.local_endpoint());
    tcp::socket socket = acceptor.accept();
    socket.non_blocking(true);
    if (buffer_bytes > 0) socket.set_option(asio::socket_base::send_buffer_size(buffer_bytes));
    server = std::make_shared<TlsStream>(std::move(socket), tls_->make_session());
    ssl_context_.reset(::SSL_CTX_new(::TLS_client_method()));
    ssl_.reset(::SSL_new(ssl_context_.get()));
    ::SSL_set_fd(ssl_.get(), client_->native_handle());
    thread_ = std::jthread([this] { context_.run(); });
  }
  ~Ends() {
    work_.reset();
    thread_.join();
    server.reset();  // before its context
  }

  template <typename T>
  std::future<T> run(Task<T> task) {
    return asio::co_spawn(context_, std::move(task), asio::use_future);
  }
  void post(std::function<void()> act) { asio::post(context_, std::move(act)); }

  void shake_hands() {
    auto done = run(server->handshake());
    ASSERT_EQ(::SSL_connect(ssl_.get()), 1);
    ASSERT_TRUE(done.get());
  }
  void send(std::string_view bytes) {
    std::size_t count = 0;
    ASSERT_EQ(::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count), 1);
    ASSERT_EQ(count, bytes.size());
  }
  std::string receive(std::size_t bytes) {
    std::string all(bytes, '\0');
    std::size_t done = 0, count = 0;
    while (done < bytes && ::SSL_read_ex(ssl_.get(), all.data() + done, bytes - done, &count) == 1)
      done += count;
    all.resize(done);
    return all;
  }
  void end_writing() { ::SSL_shutdown(ssl_.get()); }
  tcp::socket& client() { return *client_; }

  std::shared_ptr<TlsStream> server;

 private:
  TlsFiles files_;
  std::unique_ptr<TlsContext> tls_;
  asio::io_context context_, client_context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<tcp::socket> client_;
  SslContext ssl_context_;
  SslSession ssl_;
  std::jthread thread_;
};

struct Read {
  std::string bytes;
  Error error;
};

Task<Read> read_all(std::shared_ptr<TlsStream> stream) {
  Read read;
  char room[5'000];
  while (!read.error) {
    const std::size_t count = co_await stream->read_some({room, sizeof(room)}, &read.error);
    read.bytes.append(room, count);
  }
  co_return read;
}

// As Connection does: at once what the socket takes, then the rest. The count: how often it waited.
Task<std::size_t> write_all(std::shared_ptr<TlsStream> stream, std::string bytes) {
  Error error;
  std::size_t waits = 0;
  bytes.erase(0, stream->write_some({bytes.data(), bytes.size()}, error));
  if (error) {
    EXPECT_EQ(error, asio::error::would_block);
    ++waits;
  }
  error = {};
  std::size_t done = 0;
  while (done < bytes.size() && !error)
    done += co_await stream->write_some({bytes.data() + done, bytes.size() - done}, &error);
  EXPECT_FALSE(error);
  co_return waits;
}

std::string some_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

TEST(TlsStream, CarriesEveryByteInOrderThoughTheSocketTakesFew) {
  constexpr std::size_t kBytes = 3'000'000;
  const std::string bytes = some_bytes(kBytes);
  Ends ends(16 * 1024);
  ends.shake_hands();
  auto read = ends.run(read_all(ends.server));
  ends.send(bytes);
  ends.end_writing();
  const Read got = read.get();
  EXPECT_EQ(got.error, asio::error::eof);
  EXPECT_TRUE(got.bytes == bytes);
  auto written = ends.run(write_all(ends.server, bytes));
  EXPECT_TRUE(ends.receive(kBytes) == bytes);
  EXPECT_GT(written.get(), 0u) << "the socket must not take all at once, or this shows little";
  // Only now the socket surely takes it, and is not asked again if it did not.
  ends.post([&ends] { ends.server->end_writing(); });
  EXPECT_EQ(ends.receive(1), "") << "it has said that no more comes";
}

TEST(TlsStream, ReadsAndWritesBesideEachOther) {
  const std::string bytes = some_bytes(1'000'000);
  Ends ends(16 * 1024);
  ends.shake_hands();
  auto read = ends.run(read_all(ends.server));
  auto written = ends.run(write_all(ends.server, bytes));
  ends.send("while the other side writes");
  EXPECT_TRUE(ends.receive(bytes.size()) == bytes);
  EXPECT_GT(written.get(), 0u);
  ends.end_writing();
  EXPECT_EQ(read.get().bytes, "while the other side writes");
}

TEST(TlsStream, EndsWithThePeerWhetherItSaidSoOrNot) {
  for (const bool says_so : {true, false}) {
    Ends ends;
    ends.shake_hands();
    auto read = ends.run(read_all(ends.server));
    ends.send("all");
    if (says_so) ends.end_writing();
    ends.client().shutdown(tcp::socket::shutdown_send);
    const Read got = read.get();
    EXPECT_EQ(got.bytes, "all");
    EXPECT_EQ(got.error, asio::error::eof);
  }
}

TEST(TlsStream, ShakesNoHandsWithWhoSpeaksSomethingElse) {
  Ends ends;
  auto done = ends.run(ends.server->handshake());
  asio::write(ends.client(), asio::buffer(std::string_view("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_FALSE(done.get());
}

TEST(TlsStream, StopsWaitingWhenItsSocketIsCancelled) {
  Ends silent;
  auto handshake = silent.run(silent.server->handshake());
  silent.post([&] { silent.server->socket().cancel(); });
  EXPECT_FALSE(handshake.get());
  Ends ends;
  ends.shake_hands();
  auto read = ends.run(read_all(ends.server));
  ends.post([&] { ends.server->socket().cancel(); });
  EXPECT_EQ(read.get().error, asio::error::operation_aborted);
}

Task<std::vector<Error>> use_when_closed(std::shared_ptr<TlsStream> stream) {
  stream->socket().close();
  char byte = 0;
  std::vector<Error> errors(3);
  co_await stream->read_some({&byte, 1}, &errors[0]);
  co_await stream->write_some({&byte, 1}, &errors[1]);
  stream->write_some({&byte, 1}, errors[2]);
  stream->end_writing();
  co_return errors;
}

TEST(TlsStream, LeavesASocketAloneThatIsClosed) {
  Ends ends;
  ends.shake_hands();
  for (const Error& error : ends.run(use_when_closed(ends.server)).get())
    EXPECT_EQ(error, asio::error::bad_descriptor);
  EXPECT_FALSE(ends.run(ends.server->handshake()).get());
}

}  // namespace
}  // namespace playhead
