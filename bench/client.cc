// Just enough HTTP/1.1 for a server that answers with Content-Length or 204.
#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace playhead {
namespace {

std::unexpected<Error> broken(std::string_view what, int error) {
  return fail(Errc::kUnavailable, std::string(what) + ": " + std::strerror(error));
}

// The number behind `mark` in `text`; 0 if there is none.
std::uint64_t number_behind(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return number;
  const char* first = text.data() + at + mark.size();
  std::from_chars(first, text.data() + text.size(), number);
  return number;
}

}  // namespace

Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      head_(std::move(other.head_)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      sent_(other.sent_),
      in_flight_(std::move(other.in_flight_)) {}

Client::~Client() { close(); }

void Client::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

Result<void> Client::connect(const Target& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (::inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1)
    return fail(Errc::kInvalidArgument, "'" + target.host + "' is no IPv4 address");
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return broken("socket", errno);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    close();
    return broken("connect to " + target.host + ":" + std::to_string(target.port), error);
  }
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
  head_ = "POST /v1/reports HTTP/1.1\r\nHost: " + target.host +
          "\r\nContent-Type: application/json\r\nContent-Length: ";
  return {};
}

void Client::post(std::string_view body, const InFlight& request) {
  ((out_ += head_) += std::to_string(body.size())) += "\r\n\r\n";
  out_ += body;
  in_flight_.push_back(request);
}

Result<void> Client::write() {
  while (unsent()) {
    const auto sent = ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return broken("send", errno);
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  return {};
}

Result<void> Client::read(std::deque<Arrived>& arrived) {
  char bytes[16 << 10];
  while (true) {
    const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return broken("receive", errno);
    if (got == 0) return fail(Errc::kUnavailable, "the server has closed the connection");
    in_.append(bytes, static_cast<std::size_t>(got));
    while (take_answer(arrived)) continue;
    if (static_cast<std::size_t>(got) < sizeof bytes) return {};
  }
}

// Takes one whole answer off the front of what has come.
bool Client::take_answer(std::deque<Arrived>& arrived) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t head = in_.find(kEnd);
  if (head == std::string::npos || in_flight_.empty()) return false;
  const std::string_view fields(in_.data(), head + 2);
  const std::size_t length = number_behind(fields, "\r\nContent-Length: ");
  const std::size_t end = head + kEnd.size() + length;
  if (in_.size() < end) return false;
  arrived.push_back({.request = in_flight_.front(),
                     .status = static_cast<unsigned>(number_behind(fields, "HTTP/1.1 ")),
                     .body = in_.substr(head + kEnd.size(), length)});
  in_flight_.pop_front();
  in_.erase(0, end);
  return true;
}

}  // namespace playhead
