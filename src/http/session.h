// A connection without its socket: bytes in, answers out, in order.
//
// Operation: the connection reads into room(), calls took() and then step() until it says kRead.
//   Reports are submitted while they are parsed, up to `pipeline_max` of them, and then awaited in
//   order; any other request first waits for those before it.
// Invariants:
//  1. Answers leave in the order of their requests.
//  2. What is parsed borrows from the buffer; it stays in place until all of it has been answered.
//  3. out() never grows beyond `answer_bytes_max` plus one answer.
// One thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/buffer.h"
#include "http/feed.h"
#include "http/guard.h"
#include "http/problem.h"
#include "http/worker.h"

namespace playhead {

class Session {
 public:
  /// What the connection has to do after a step.
  enum class Next : std::uint8_t {
    kRead,    ///< out() is empty: read on
    kWrite,   ///< write out(), then step on
    kEnd,     ///< write out(), then close
    kStream,  ///< write out(), then the events of stream()
  };
  /// What a reader waits for, for its deadline. `serial` differs for each new wait.
  enum class Phase : std::uint8_t { kIdle, kHead, kBody };
  struct Waiting {
    Phase phase = Phase::kIdle;
    std::uint64_t serial = 0;
    friend bool operator==(const Waiting&, const Waiting&) = default;
  };

  /// `secure`: what it says travels under TLS.
  /// `passed_on`: by another node, for an account that it thinks is this one's.
  Session(Worker& worker, Listener listener, bool secure, bool passed_on = false)
      : worker_(worker), listener_(listener), secure_(secure), passed_on_(passed_on) {}

  std::span<char> room() { return in_.room(wanted_); }
  void took(std::size_t count) { in_.took(count); }
  Task<Next> step();

  std::string& out() { return out_; }
  std::unique_ptr<EventStream> stream() { return std::move(stream_); }
  Waiting waiting() const { return {phase_, answered_}; }

  /// The peer was too slow, or has gone in the middle of a request: answers that, as the last.
  void give_up(const ProblemType& type, std::string_view detail);
  /// True if the last answer may race with bytes that nobody wants any more.
  bool refused() const { return refused_; }

 private:
  enum class Taken : std::uint8_t { kNeedMore, kSubmitted, kRequest, kNothing, kEnd };

  Taken take();
  Taken take_whole();
  Taken refuse(const FramingError& error);
  Task<> drain();
  Task<Reply> handle();
  Task<std::optional<Reply>> ask_owner(const Request& request);
  Reply options_reply() const;
  std::optional<Reply> check(std::string_view query, Request& request);
  /// By the request at the front; its route has been found.
  std::expected<std::shared_ptr<const Caller>, Reply> authenticate() const;
  Pending feed(const Caller& caller, const Query& query);
  void answer(Reply reply, const Head& head);
  void answer_pending(Pending& pending, Result<BatchOutcome> outcome);
  std::string_view body() const { return in_.bytes().substr(head_.bytes, head_.length); }
  /// Forgets the request at the front, without moving what it borrowed.
  void next_request();

  Worker& worker_;
  Listener listener_;
  bool secure_;
  bool passed_on_;
  Buffer in_;
  std::string out_;
  HeadScanner scanner_;
  Head head_;
  Match found_;
  std::vector<Pending> pending_;
  std::unique_ptr<EventStream> stream_;
  std::size_t wanted_ = 0;  ///< bytes of the request at the front, where its head is known
  std::uint64_t answered_ = 0;
  Phase phase_ = Phase::kIdle;
  bool continued_ = false;  ///< 100 Continue has been said
  bool closing_ = false;    ///< nothing more is answered
  bool refused_ = false;
};

}  // namespace playhead
