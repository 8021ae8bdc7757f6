// Calls between nodes, over real connections on the loopback: to servers of this process, to one of
// another that is frozen and killed, and to peers that speak another format.
#include "peer/grpc/grpc_peers.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cache/cache_test_kit.h"
#include "peer/grpc/grpc_peer_server.h"
#include "peers.grpc.pb.h"

namespace playhead {
namespace {

constexpr Millis kPatienceMs = 60'000;  ///< no test waits for it to pass
constexpr const char* kPortVariable = "PLAYHEAD_TEST_PEER_PORT";
const SystemClock kClock;

Deadline patient() { return Deadline::after(kClock, kPatienceMs); }
Deadline soon() { return Deadline::after(kClock, 30); }

PeerOptions quick() {
  PeerOptions out;
  out.stop_ms = 20;
  out.reconnect_ms = 100;
  return out;
}

std::string at(int port) { return "127.0.0.1:" + std::to_string(port); }

void echo(PeerCall, std::string bytes, PeerAnswer answer) { answer(std::move(bytes)); }

std::unique_ptr<GrpcPeerServer> serve(PeerHandler handler, const PeerOptions& options = quick(),
                                      int port = 0) {
  return value_of(GrpcPeerServer::start(at(port), std::move(handler), options));
}

/// On a port that it had: somebody else may have it for a moment.
std::unique_ptr<GrpcPeerServer> serve_again(const PeerHandler& handler, int port) {
  const Deadline end = patient();
  for (;;) {
    auto server = GrpcPeerServer::start(at(port), handler, quick());
    if (server || end.passed(kClock)) return value_of(std::move(server));
  }
}

Result<std::string> ask(Peers& peers, const std::string& address, std::string bytes,
                        Deadline until) {
  return run_to_end(peers.ask(address, PeerCall::kHttp, std::move(bytes), until));
}

/// Starts a call that tells `done` what came of it.
template <typename Done>
void start(boost::asio::io_context& context, Peers& peers, const std::string& address,
           std::string bytes, Deadline until, Done done) {
  boost::asio::co_spawn(context, peers.ask(address, PeerCall::kReports, std::move(bytes), until),
                        [done](std::exception_ptr error, Result<std::string> result) {
                          if (error) std::rethrow_exception(error);
                          done(std::move(result));
                        });
}

/// Asks until an answer comes, or patience ends.
Result<std::string> keep_asking(Peers& peers, const std::string& address) {
  const Deadline end = patient();
  Result<std::string> result;
  do {
    result = ask(peers, address, "again", Deadline::after(kClock, 500));
  } while (!result && !end.passed(kClock));
  return result;
}

Errc code_of(const Result<std::string>& result) { return result ? Errc{} : result.error().code; }
std::string detail_of(const Result<std::string>& result) {
  return result ? "" : result.error().detail;
}

/// A handler that keeps what it is asked, to be answered later.
class Held {
 public:
  PeerHandler handler() {
    return [this](PeerCall, std::string bytes, PeerAnswer answer) {
      std::scoped_lock lock(mutex_);
      held_.emplace_back(std::move(bytes), std::move(answer));
      came_.release();
    };
  }
  void wait_for(int calls) {
    for (int i = 0; i < calls; ++i) came_.acquire();
  }
  bool came() { return came_.try_acquire(); }
  std::size_t answer_all() {
    std::scoped_lock lock(mutex_);
    for (auto& [bytes, answer] : held_) answer(bytes);
    return std::exchange(held_, {}).size();
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, PeerAnswer>> held_;
  std::counting_semaphore<> came_{0};
};

TEST(GrpcPeers, BringBackWhatTheOtherNodeAnswers) {
  const auto server = serve([](PeerCall call, std::string bytes, PeerAnswer answer) {
    answer(std::to_string(static_cast<int>(call)) + bytes);
  });
  const auto peers = GrpcPeers::make(quick(), kClock);
  const std::string bytes("\0\xff bytes \r\n", 11);
  EXPECT_EQ(ask(*peers, at(server->port()), bytes, patient()), "2" + bytes);
  EXPECT_EQ(ask(*peers, at(server->port()), "", patient()), "2");
  EXPECT_EQ(run_to_end(peers->ask(at(server->port()), PeerCall::kReports, "a", patient())), "1a");
}

TEST(GrpcPeers, GiveEachOfTenThousandCallsItsOwnAnswer) {
  constexpr int kThreads = 4, kTasks = 25, kCalls = 100;
  boost::asio::thread_pool workers(2);  // which answer out of order
  const auto server = serve([&](PeerCall, std::string bytes, PeerAnswer answer) {
    boost::asio::post(workers, [bytes = std::move(bytes), answer = std::move(answer)]() mutable {
      answer("answer to " + bytes);
    });
  });
  const auto peers = GrpcPeers::make(quick(), kClock);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      boost::asio::io_context context(1);
      const auto caller = [&](std::string name) -> Task<> {
        for (int i = 0; i < kCalls; ++i) {
          const std::string call = name + std::to_string(i) + std::string(200, '.');
          const auto got =
              co_await peers->ask(at(server->port()), PeerCall::kReports, call, patient());
          if (got == "answer to " + call) ++right;
        }
      };
      for (int task = 0; task < kTasks; ++task)
        boost::asio::co_spawn(context, caller(std::to_string(t * kTasks + task) + "/"),
                              boost::asio::detached);
      context.run();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kTasks * kCalls);
  server->stop();
  workers.join();
}

TEST(GrpcPeers, BringErrorsWithTheirCodeAndDetailWhateverItsBytes) {
  const auto server = serve([](PeerCall, std::string bytes, PeerAnswer answer) {
    answer(fail(static_cast<Errc>(std::stoi(bytes)), "no\xff utf-8, \"" + bytes + "\""));
  });
  const auto peers = GrpcPeers::make(quick(), kClock);
  for (auto code = static_cast<int>(Errc::kInvalidArgument);
       code <= static_cast<int>(Errc::kErased); ++code) {
    const auto got = ask(*peers, at(server->port()), std::to_string(code), patient());
    EXPECT_EQ(static_cast<int>(code_of(got)), code);
    EXPECT_EQ(detail_of(got), "no\xff utf-8, \"" + std::to_string(code) + "\"");
  }
  EXPECT_EQ(code_of(ask(*peers, at(server->port()), "999", patient())), Errc::kUnavailable)
      << "a newer node's reason";
}

TEST(GrpcPeers, EndCallsUnderWayWhenTheServerStops) {
  constexpr int kCalls = 50;
  Held held;
  const auto server = serve(held.handler());
  const auto peers = GrpcPeers::make(quick(), kClock);
  boost::asio::io_context context;
  int unreachable = 0;
  for (int i = 0; i < kCalls; ++i)
    start(context, *peers, at(server->port()), "x", patient(), [&](Result<std::string> result) {
      unreachable += code_of(result) == Errc::kUnavailable &&
                     detail_of(result).starts_with("the account's owner can't be reached");
    });
  std::thread stopper([&] {
    held.wait_for(kCalls);
    server->stop();
  });
  context.run();
  stopper.join();
  EXPECT_EQ(unreachable, kCalls) << "before their deadline";
  EXPECT_EQ(held.answer_all(), std::size_t{kCalls}) << "of whom nobody hears any more";
}

TEST(GrpcPeers, MayBeAnsweredAfterTheServerIsGone) {
  Held held;
  auto server = serve(held.handler());
  const auto peers = GrpcPeers::make(quick(), kClock);
  do {
    EXPECT_EQ(code_of(ask(*peers, at(server->port()), "x", soon())), Errc::kUnavailable);
  } while (!held.came());  // on a busy machine it may not be sent by then
  server.reset();
  EXPECT_GE(held.answer_all(), 1u);
}

TEST(GrpcPeers, ReachAServerThatIsBackOnItsPort) {
  for (const Millis renew_ms : {Millis{0}, Millis{kPatienceMs}}) {
    PeerOptions options = quick();
    options.renew_ms = renew_ms;  // at once, and never
    const auto peers = GrpcPeers::make(options, kClock);
    auto server = serve(echo);
    const int port = server->port();
    EXPECT_EQ(ask(*peers, at(port), "there", patient()), "there");
    server.reset();
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(code_of(ask(*peers, at(port), "gone", patient())), Errc::kUnavailable);
    server = serve_again(echo, port);
    EXPECT_EQ(keep_asking(*peers, at(port)), "again");
  }
}

TEST(GrpcPeers, EndEachCallToAServerThatComesAndGoesUnderLoad) {
  constexpr int kThreads = 2, kTasks = 16, kRounds = 12, kAnswersARound = 100;
  const auto peers = GrpcPeers::make(quick(), kClock);
  auto server = serve(echo);
  const std::string address = at(server->port());
  const int port = server->port();
  std::atomic<int> answered = 0, unavailable = 0, wrong = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      boost::asio::io_context context(1);
      const auto caller = [&]() -> Task<> {
        while (!over) {
          const auto got = co_await peers->ask(address, PeerCall::kHttp, "x", patient());
          ++(got ? answered : code_of(got) == Errc::kUnavailable ? unavailable : wrong);
        }
      };
      for (int i = 0; i < kTasks; ++i)
        boost::asio::co_spawn(context, caller(), boost::asio::detached);
      context.run();
    });
  const Deadline end = patient();
  for (int round = 0; round < kRounds; ++round) {
    const int before = answered;
    while (answered - before < kAnswersARound && !end.passed(kClock)) std::this_thread::yield();
    server.reset();
    server = serve_again(echo, port);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(answered, kRounds * kAnswersARound);
  EXPECT_GE(unavailable, 1) << "or nothing was under way when it went";
  EXPECT_EQ(wrong, 0);
}

TEST(GrpcPeers, LeaveACallAtItsDeadlineAndGoOn) {
  Held held;
  const auto server = serve([&](PeerCall call, std::string bytes, PeerAnswer answer) {
    if (bytes == "hang") return held.handler()(call, std::move(bytes), std::move(answer));
    answer(std::move(bytes));
  });
  const auto peers = GrpcPeers::make(quick(), kClock);
  EXPECT_EQ(ask(*peers, at(server->port()), "a", patient()), "a");
  do {
    EXPECT_EQ(code_of(ask(*peers, at(server->port()), "hang", soon())), Errc::kUnavailable);
  } while (!held.came());  // on a busy machine it may not be sent by then
  EXPECT_GE(held.answer_all(), 1u);  // late: of a call that nobody knows any more
  EXPECT_EQ(ask(*peers, at(server->port()), "b", patient()), "b");
  EXPECT_EQ(code_of(ask(*peers, at(server->port()), "c", {kClock.monotonic_ms()})),
            Errc::kUnavailable)
      << "no time is left";
}

TEST(GrpcPeers, OutliveALoopThatEndsWithCallsUnderWay) {
  Held held;
  const auto server = serve(held.handler());
  const auto peers = GrpcPeers::make(quick(), kClock);
  {
    boost::asio::io_context context;
    for (int i = 0; i < 10; ++i)
      start(context, *peers, at(server->port()), "x", patient(),
            [](const Result<std::string>&) { FAIL() << "nobody runs it"; });
    context.poll();
    held.wait_for(10);
  }
  EXPECT_EQ(held.answer_all(), 10u);
  boost::asio::io_context context;
  Result<std::string> got;
  start(context, *peers, at(server->port()), "y", patient(),
        [&](Result<std::string> result) { got = std::move(result); });
  context.poll();
  held.wait_for(1);
  held.answer_all();
  context.run();
  EXPECT_EQ(got, "y");
}

TEST(GrpcPeers, RefuseMoreCallsThanMayWaitForAnswers) {
  Held held;
  const auto server = serve(held.handler());
  PeerOptions options = quick();
  options.in_flight_max = 3;
  const auto peers = GrpcPeers::make(options, kClock);
  for (int round = 0; round < 3; ++round) {
    boost::asio::io_context context;
    int answered = 0, refused = 0;
    for (int i = 0; i < 5; ++i)
      start(context, *peers, at(server->port()), "x", patient(), [&](Result<std::string> result) {
        answered += result.has_value();
        refused += code_of(result) == Errc::kOverloaded;
      });
    context.poll();
    held.wait_for(3);
    EXPECT_EQ(held.answer_all(), 3u);
    context.run();
    EXPECT_EQ(answered, 3);
    EXPECT_EQ(refused, 2);
  }
}

TEST(GrpcPeers, AreRefusedByAServerThatHasTooManyToAnswer) {
  Held held;
  PeerOptions options = quick();
  options.in_flight_max = 2;
  const auto server = serve(held.handler(), options);
  const auto peers = GrpcPeers::make(quick(), kClock);
  boost::asio::io_context context;
  int answered = 0, refused = 0;
  for (int i = 0; i < 5; ++i)
    start(context, *peers, at(server->port()), "x", patient(), [&](Result<std::string> result) {
      answered += result.has_value();
      refused += code_of(result) == Errc::kOverloaded;
      if (refused == 3 && answered == 0) held.answer_all();
    });
  context.run();
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(refused, 3);
}

/// Takes connections, and never says anything on them.
class Mute {
 public:
  Mute() {
    ::sockaddr_in address = loopback(0);
    ::socklen_t size = sizeof(address);
    ::bind(fd_, reinterpret_cast<const ::sockaddr*>(&address), size);
    ::listen(fd_, 8);
    ::getsockname(fd_, reinterpret_cast<::sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Mute() { ::close(fd_); }
  Mute(const Mute&) = delete;
  int port = 0;

 private:
  const int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST(GrpcPeers, KeepAtMostSomeBytesUnsentAndForgetThemWithTheirCallers) {
  const Mute mute;
  PeerOptions options = quick();
  options.connect_ms = kPatienceMs;
  options.batch_bytes = 1'000;
  options.waiting_bytes_max = 10'000;
  const auto peers = GrpcPeers::make(options, kClock);
  int late = 0, refused = 0;
  const auto ask_often = [&](boost::asio::io_context& context, Deadline until) {
    late = refused = 0;
    for (int i = 0; i < 20; ++i)
      start(context, *peers, at(mute.port), std::string(1'000, '.'), until,
            [&](const Result<std::string>& result) {
              ++(code_of(result) == Errc::kOverloaded ? refused : late);
            });
  };
  const auto refused_of_twenty = [&] {
    boost::asio::io_context context;
    ask_often(context, patient());
    context.poll();
    return refused;  // and the rest goes with its loop
  };
  EXPECT_EQ(refused_of_twenty(), 9) << "one is being written, ten wait";
  EXPECT_EQ(refused_of_twenty(), 10);
  for (int round = 0; round < 2; ++round) {
    boost::asio::io_context context;
    ask_often(context, soon());
    context.run();
    EXPECT_EQ(late + refused, 20);
    EXPECT_GE(late, 10);
    EXPECT_EQ(refused_of_twenty(), 10) << "those that came too late have made room";
  }
}

TEST(GrpcPeers, RefuseWhatIsTooLargeAndBringTheRest) {
  PeerOptions options = quick();
  options.body_bytes_max = 10'000;
  options.batch_bytes = 10'000;
  const auto server =
      serve([](PeerCall, std::string bytes, PeerAnswer answer) { answer(bytes + bytes); }, options);
  const auto peers = GrpcPeers::make(options, kClock);
  EXPECT_EQ(code_of(ask(*peers, at(server->port()), std::string(10'001, '.'), patient())),
            Errc::kOverloaded);
  boost::asio::io_context context;
  int small = 0, large = 0;
  for (int i = 0; i < 200; ++i) {
    start(context, *peers, at(server->port()), std::string(5'000, '.'), patient(),
          [&](Result<std::string> result) { small += result && result->size() == 10'000; });
    start(context, *peers, at(server->port()), std::string(10'000, '.'), patient(),
          [&](Result<std::string> result) {
            large += detail_of(result) == "the answer is too large to be passed on";
          });
  }
  context.run();
  EXPECT_EQ(small, 200) << "no message is larger than may be, and none breaks the stream";
  EXPECT_EQ(large, 200);
}

TEST(GrpcPeers, MakeRoomForNewNodesByThoseThatAreGone) {
  PeerOptions options = quick();
  options.peers_max = 1;
  const auto peers = GrpcPeers::make(options, kClock);
  auto first = serve(echo);
  const auto second = serve(echo);
  EXPECT_EQ(ask(*peers, at(first->port()), "a", patient()), "a");
  EXPECT_EQ(code_of(ask(*peers, at(second->port()), "b", patient())), Errc::kOverloaded);
  first.reset();
  EXPECT_EQ(keep_asking(*peers, at(second->port())), "again");
}

TEST(GrpcPeers, AreAnsweredOnlyWhereTheSecretsAreTheSame) {
  const auto knows = [](const std::string& secret) {
    PeerOptions options = quick();
    options.secret = secret;
    return options;
  };
  const std::string bytes("\0secret\xff\n", 9);  // as it may lie in a file
  for (const std::string& secret : {std::string("some words"), bytes}) {
    const auto server = serve(echo, knows(secret));
    EXPECT_EQ(ask(*GrpcPeers::make(knows(secret), kClock), at(server->port()), "x", patient()),
              "x");
    for (const std::string& wrong :
         {std::string(), secret + "x", secret.substr(1), secret + "\n"}) {
      const auto got =
          ask(*GrpcPeers::make(knows(wrong), kClock), at(server->port()), "x", patient());
      EXPECT_EQ(code_of(got), Errc::kUnavailable);
      EXPECT_TRUE(detail_of(got).ends_with("the nodes' secrets differ")) << detail_of(got);
    }
  }
  const auto open = serve(echo);
  EXPECT_EQ(ask(*GrpcPeers::make(knows("any"), kClock), at(open->port()), "x", patient()), "x");
}

TEST(GrpcPeers, AreRefusedInAnotherFormat) {
  const auto server = serve(echo);
  const auto stub = peer::Node::NewStub(
      grpc::CreateChannel(at(server->port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Ask(&context);
  peer::Calls calls;
  calls.set_format(kPeerFormat + 1);
  calls.add_calls()->set_id(1);
  EXPECT_TRUE(stream->Write(calls));
  peer::Answers answers;
  EXPECT_FALSE(stream->Read(&answers));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

/// A newer node: answers in its own format.
class Newer final : public peer::Node::Service {
 public:
  Newer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(at(0), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Newer() override { server_->Shutdown(); }
  grpc::Status Ask(grpc::ServerContext*,
                   grpc::ServerReaderWriter<peer::Answers, peer::Calls>* stream) override {
    for (peer::Calls calls; stream->Read(&calls);) {
      peer::Answers answers;
      answers.set_format(kPeerFormat + 1);
      for (const peer::Call& call : calls.calls()) answers.add_answers()->set_id(call.id());
      stream->Write(answers);
    }
    return grpc::Status::OK;
  }
  int port = 0;

 private:
  std::unique_ptr<grpc::Server> server_;
};

TEST(GrpcPeers, TakeNoAnswerInAnotherFormat) {
  const Newer newer;
  const auto peers = GrpcPeers::make(quick(), kClock);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(detail_of(ask(*peers, at(newer.port), "x", patient()))
                    .starts_with("the account's owner can't be reached"));
}

TEST(GrpcPeers, SayThatNobodyIsThere) {
  const auto peers = GrpcPeers::make(quick(), kClock);
  int port = 0;
  {
    const Mute gone;
    port = gone.port;
  }
  EXPECT_EQ(code_of(ask(*peers, at(port), "x", patient())), Errc::kUnavailable);
  EXPECT_EQ(code_of(ask(*peers, "no address", "x", patient())), Errc::kUnavailable);
  const auto server = serve(echo);
  EXPECT_FALSE(GrpcPeerServer::start(at(server->port()), echo, quick()).has_value());
}

// A server as a process of its own: this program, which runs only this.
TEST(PeerProcess, DISABLED_Serves) {
  const char* port = std::getenv(kPortVariable);
  if (port == nullptr) GTEST_SKIP() << "other tests start it";
  const auto server = serve(echo, quick(), std::atoi(port));
  std::latch(1).wait();  // until it is killed
}

TestServer::Command process() {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  return [self](std::uint16_t port) -> std::vector<std::string> {
    return {"env",
            std::string(kPortVariable) + "=" + std::to_string(port),
            self,
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=PeerProcess.*",
            "--gtest_brief=1"};
  };
}

TEST(GrpcPeers, GiveUpAFrozenNodeAndReachItWhenItIsThawed) {
  TestServer node(process());
  PeerOptions options = quick();
  options.keepalive_ms = options.keepalive_timeout_ms = 200;
  const auto peers = GrpcPeers::make(options, kClock);
  EXPECT_EQ(keep_asking(*peers, at(node.port())), "again");
  node.freeze();
  EXPECT_EQ(code_of(ask(*peers, at(node.port()), "x", soon())), Errc::kUnavailable);
  const auto got = ask(*peers, at(node.port()), "x", patient());
  EXPECT_TRUE(detail_of(got).starts_with("the account's owner can't be reached"))
      << "not by the deadline: " << detail_of(got);
  node.thaw();
  EXPECT_EQ(keep_asking(*peers, at(node.port())), "again");
}

TEST(GrpcPeers, ReachANodeThatWasKilledAndIsBack) {
  TestServer node(process());
  const auto peers = GrpcPeers::make(quick(), kClock);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(keep_asking(*peers, at(node.port())), "again");
    node.kill();
    EXPECT_EQ(code_of(ask(*peers, at(node.port()), "x", patient())), Errc::kUnavailable);
    node.start();
  }
}

}  // namespace
}  // namespace playhead
