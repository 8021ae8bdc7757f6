// The owner's side is a connection without a socket; the other side takes its answer as it is.
#include "http/passing.h"

#include <cstring>

#include "http/problem.h"
#include "http/session.h"

namespace playhead {
namespace {

constexpr Millis kAnswerMs = 1'000;       // of the owner; then this node answers as well as it can
constexpr Millis kLongAnswerMs = 30'000;  // of what reads or rewrites all of an account
constexpr unsigned char kSecure = 0x80;   // bit of a message's first byte, beside the listener
constexpr std::string_view kStatusAt = "HTTP/1.1 ";

bool takes_long(Permission permission) {
  return permission == Permission::kErase || permission == Permission::kExport ||
         permission == Permission::kImport;
}

unsigned status_of(std::string_view answer) {
  unsigned status = 0;
  for (const char digit : answer.substr(kStatusAt.size(), 3))
    status = status * 10 + static_cast<unsigned>(digit - '0');
  return status >= 100 && status <= 599 ? status : 502;
}

// A stream stays where its events are made. Clients of streams follow redirects.
Reply redirect(const PeerNode& owner, bool secure, std::string_view target) {
  Reply reply{.status = 307};
  reply.headers = "Location: " + std::string(secure ? "https://" : "http://") + owner.http_address +
                  std::string(target) + "\r\n";
  return reply;
}

}  // namespace

std::string encode_request(std::string_view request, Listener listener, bool secure) {
  std::string message(
      1, static_cast<char>(static_cast<unsigned char>(listener) | (secure ? kSecure : 0)));
  return message += request;
}

Task<Result<std::string>> answer_request(std::shared_ptr<Worker> worker, std::string message) {
  const auto head = static_cast<unsigned char>(message.empty() ? 0xff : message.front());
  const unsigned listener = head & ~unsigned{kSecure};
  if (listener > static_cast<unsigned>(Listener::kOperators))
    co_return fail(Errc::kInvalidArgument, "a request was passed on that can't be read here");
  Session session(*worker, static_cast<Listener>(listener), (head & kSecure) != 0, true);
  for (std::string_view rest = std::string_view(message).substr(1); !rest.empty();) {
    const auto room = session.room();
    const std::size_t count = std::min(room.size(), rest.size());
    std::memcpy(room.data(), rest.data(), count);
    session.took(count);
    rest.remove_prefix(count);
  }
  const Session::Next next = co_await session.step();
  if (next == Session::Next::kStream)
    co_return fail(Errc::kUnprocessable, "streams are not passed on");
  if (session.out().empty()) co_return fail(Errc::kInvalidArgument, "half a request was passed on");
  co_return std::move(session.out());
}

// Nothing where this node is to answer: the account is its own, or its owner does not.
Task<std::optional<Reply>> Session::ask_owner(const Request& request) {
  const Others& others = worker_.shared().parts.others;
  if (others.routing == nullptr || passed_on_ || request.account.empty()) co_return std::nullopt;
  PeerNode* owner = others.routing->whom_to_ask(slot_of(request.caller->tenant, request.account),
                                                worker_.clock().monotonic_ms());
  if (owner == nullptr) co_return std::nullopt;
  if (found_.route->gives == Gives::kEvents) co_return redirect(*owner, secure_, head_.target);
  const Millis span = takes_long(found_.route->permission) ? kLongAnswerMs : kAnswerMs;
  auto answer =
      co_await others.peers->ask(owner->peer_address, PeerCall::kHttp,
                                 encode_request(in_.bytes().substr(0, wanted_), listener_, secure_),
                                 Deadline::after(worker_.clock(), span));
  if (!answer && answer.error().code == Errc::kUnavailable)
    Routing::fell_silent(*owner, worker_.clock().monotonic_ms());
  if (!answer || answer->size() < kStatusAt.size() + 3) co_return std::nullopt;
  Reply reply{.status = status_of(*answer)};
  reply.whole = *std::move(answer);
  co_return reply;
}

}  // namespace playhead
