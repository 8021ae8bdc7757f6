// Beast's asynchronous calls, each run to its end: only those obey a timeout.
#include "cli/client.h"

#include <simdjson.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
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
  if (url.starts_with("https://"))
    return wrong(
        "is https, which the command line does not speak yet: run it on the server's "
        "machine, or forward a port (ssh -L 8080:127.0.0.1:8080 …)");
  constexpr std::string_view kScheme = "http://";
  constexpr std::string_view kForm = "is no server: expected http://127.0.0.1:8080";
  if (!url.starts_with(kScheme)) return wrong(kForm);
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ServerUrl server{.host = std::string(rest), .port = 80};
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && !rest.ends_with(']')) {
    const auto port = number_of<std::uint16_t>(rest.substr(colon + 1));
    if (!port) return wrong(kForm);
    server = {.host = std::string(rest.substr(0, colon)), .port = *port};
  }
  if (server.host.starts_with('[') && server.host.ends_with(']'))
    server.host = server.host.substr(1, server.host.size() - 2);
  if (server.host.empty() || server.host.find_first_of("/?#@[] ") != std::string::npos)
    return wrong(kForm);
  if (!is_loopback(server.host))
    return wrong(
        "is another machine, which plain http would reach unprotected: run the command "
        "there, or forward a port (ssh -L 8080:127.0.0.1:8080 …)");
  return server;
}

struct Client::Connection {
  ServerUrl server;
  std::string token;
  Limits limits;
  asio::io_context context{1};
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer buffer;

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
    stream.emplace(context);
    stream->expires_after(timeout());
    error = run([&](auto done) { stream->async_connect(found, std::move(done)); });
    if (error) {
      stream.reset();
      return error;
    }
    stream->socket().set_option(asio::ip::tcp::no_delay(true), error);
    return {};
  }

  beast::error_code exchange(const http::request<http::string_body>& request,
                             http::response_parser<http::string_body>& parser) {
    stream->expires_after(timeout());
    auto error = run([&](auto done) { http::async_write(*stream, request, std::move(done)); });
    if (error) return error;
    parser.body_limit(limits.answer_bytes_max);
    return run([&](auto done) { http::async_read(*stream, buffer, parser, std::move(done)); });
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

std::string Client::url() const { return "http://" + host_and_port(connection_->server); }

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
    const std::string why = error == beast::error::timeout ? "no answer in time" : error.message();
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
