// Beast's asynchronous calls, each run to its end: only those obey a timeout.
#include "cli/client.h"

#include <simdjson.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>

#include "auth/authenticator.h"

namespace playhead {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string host_and_port(const ServerUrl& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view url) {
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::kInvalidArgument, "'" + std::string(url) + "' " + std::string(why));
  };
  constexpr std::string_view kPlain = "http://", kSecure = "https://";
  constexpr std::string_view kForm =
      "is no server: expected http://127.0.0.1:8080, or https://HOST";
  const bool secure = url.starts_with(kSecure);
  if (!secure && !url.starts_with(kPlain)) return wrong(kForm);
  std::string_view rest = url.substr(secure ? kSecure.size() : kPlain.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ServerUrl server{.host = std::string(rest), .port = 80, .secure = secure};
  if (secure) server.port = 443;
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && !rest.ends_with(']')) {
    const auto port = number_of<std::uint16_t>(rest.substr(colon + 1));
    if (!port) return wrong(kForm);
    server.host = std::string(rest.substr(0, colon));
    server.port = *port;
  }
  if (server.host.starts_with('[') && server.host.ends_with(']'))
    server.host = server.host.substr(1, server.host.size() - 2);
  if (server.host.empty() || server.host.find_first_of("/?#@[] ") != std::string::npos)
    return wrong(kForm);
  if (!secure && !is_loopback(server.host))
    return wrong(
        "is another machine, which plain http would reach unprotected: ask it by https, run the "
        "command there, or forward a port (ssh -L 8080:127.0.0.1:8080 …)");
  return server;
}

struct Client::Connection {
  ServerUrl server;
  std::string token;
  Limits limits;
  asio::io_context context{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<beast::tcp_stream>> stream;  ///< plain: what is beneath it
  beast::flat_buffer buffer;

  beast::tcp_stream& tcp() { return stream->next_layer(); }

  std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(limits.timeout_ms); }

  /// Runs one asynchronous call, begun by `begin`, to its end.
  template <typename Begin>
  beast::error_code run(Begin&& begin) {
    beast::error_code result;
    begin([&](beast::error_code error, const auto&...) { result = error; });
    context.restart();
    context.run();
    return result;
  }

  beast::error_code connect() {
    beast::error_code error;
    asio::ip::tcp::resolver resolver(context);
    const auto found = resolver.resolve(server.host, std::to_string(server.port), error);
    if (error) return error;
    buffer.clear();
    stream.emplace(context, tls);
    tcp().expires_after(timeout());
    error = run([&](auto done) { tcp().async_connect(found, std::move(done)); });
    beast::error_code ignored;
    if (!error) tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if (!error && server.secure) error = shake_hands();
    if (error) stream.reset();
    return error;
  }

  beast::error_code shake_hands() {
    beast::error_code error;
    tls.set_default_verify_paths(error);
    if (!error) stream->set_verify_mode(asio::ssl::verify_peer, error);
    if (!error) stream->set_verify_callback(asio::ssl::host_name_verification(server.host), error);
    if (error) return error;
    asio::ip::make_address(server.host, error);
    // Only names are told: RFC 6066, 3.
    if (error) SSL_set_tlsext_host_name(stream->native_handle(), server.host.c_str());
    return run([&](auto done) {
      stream->async_handshake(asio::ssl::stream_base::client, std::move(done));
    });
  }

  beast::error_code exchange(const http::request<http::string_body>& request,
                             http::response_parser<http::string_body>& parser) {
    tcp().expires_after(timeout());
    parser.body_limit(limits.answer_bytes_max);
    return server.secure ? exchange_by(*stream, request, parser)
                         : exchange_by(tcp(), request, parser);
  }

  template <typename Stream>
  beast::error_code exchange_by(Stream& by, const http::request<http::string_body>& request,
                                http::response_parser<http::string_body>& parser) {
    auto error = run([&](auto done) { http::async_write(by, request, std::move(done)); });
    if (error) return error;
    return run([&](auto done) { http::async_read(by, buffer, parser, std::move(done)); });
  }
};

Client::Client(ServerUrl server, std::string token)
    : Client(std::move(server), std::move(token), Limits()) {}

Client::Client(ServerUrl server, std::string token, Limits limits)
    : connection_(std::make_unique<Connection>()) {
  connection_->server = std::move(server);
  connection_->token = std::move(token);
  connection_->limits = limits;
}

Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

std::string Client::url() const {
  return (connection_->server.secure ? "https://" : "http://") + host_and_port(connection_->server);
}

Result<HttpAnswer> Client::send(const HttpRequest& request) {
  Connection& connection = *connection_;
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, host_and_port(connection.server));
  message.set(http::field::user_agent, "playhead/" PLAYHEAD_VERSION);
  if (!connection.token.empty())
    message.set(http::field::authorization, "Bearer " + connection.token);
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  if (!request.accept.empty()) message.set(http::field::accept, request.accept);
  message.body() = request.body;
  if (!request.body.empty() || request.method != "GET") message.content_length(request.body.size());

  const auto unavailable = [&](const beast::error_code& error) {
    connection.stream.reset();
    std::string why = error == beast::error::timeout ? "no answer in time" : error.message();
    if (error.category() == asio::error::get_ssl_category())
      why += "; SSL_CERT_FILE may name a file with the authority to trust";
    return fail(Errc::kUnavailable, url() + ": " + why);
  };
  bool reused = connection.stream.has_value();
  for (;;) {
    if (!connection.stream)
      if (const auto error = connection.connect()) return unavailable(error);
    http::response_parser<http::string_body> parser;
    const auto error = connection.exchange(message, parser);
    if (error && reused && !parser.got_some() && error != beast::error::timeout) {
      reused = false;
      connection.stream.reset();
      continue;
    }
    if (error && error.category() == make_error_code(http::error::bad_version).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      connection.stream.reset();
      return fail(Errc::kCorrupt, url() + ": " + error.message() + "; is that a Playhead server?");
    }
    if (error) return unavailable(error);
    auto answer = parser.release();
    if (!answer.keep_alive()) connection.stream.reset();
    HttpAnswer out{.status = answer.result_int(), .body = std::move(answer.body())};
    const auto header = [&](std::string_view name) {
      const auto value = answer[beast::string_view(name.data(), name.size())];
      return std::string_view(value.data(), value.size());
    };
    out.accepted = number_of<std::uint64_t>(header("Playhead-Accepted"));
    out.link = header("Link");
    if (const auto seconds = number_of<std::uint32_t>(header("Retry-After")))
      out.retry_after = Millis{*seconds} * 1000;
    return out;
  }
}

std::string describe_problem(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::object problem;
  std::string_view title, detail;
  std::string text = std::to_string(answer.status);
  if (parser.parse(answer.body).get(problem) == simdjson::SUCCESS &&
      problem["title"].get(title) == simdjson::SUCCESS) {
    text += " " + std::string(title);
    if (problem["detail"].get(detail) == simdjson::SUCCESS && !detail.empty())
      text += ": " + std::string(detail);
    return text;
  }
  constexpr std::size_t kShownBytes = 200;
  return answer.body.empty() ? text : text + " " + answer.body.substr(0, kShownBytes);
}

}  // namespace playhead
