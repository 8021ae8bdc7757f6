// Calls between two nodes over the loopback, which are two processes: each asks one other with 200
// bytes and gets as many back, with 1, 64 and 1,024 calls in flight. Prints calls a second, and the
// CPU of both processes a call. One thread asks, as one thread of a node does.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "peer/grpc/grpc_peer_server.h"
#include "peer/grpc/grpc_peers.h"
#include "runtime/run_to_end.h"

namespace playhead {
namespace {

constexpr std::size_t kBodyBytes = 200;
constexpr Millis kCallMs = 10'000;
const SystemClock kClock;

double seconds_of(const ::timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The other node: a process that answers with what it was asked. Ends with this one.
class OtherNode {
 public:
  // Before anything of gRPC has run in this process: a fork takes none of its threads along.
  OtherNode() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) serve(ends[1]);
    ::close(ends[1]);
    if (::read(ends[0], &port_, sizeof(port_)) != sizeof(port_))
      throw std::runtime_error("the other node does not start");
    ::close(ends[0]);
  }
  ~OtherNode() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  OtherNode(const OtherNode&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// In ticks of the kernel: 10 ms.
  double cpu_s() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string word;
    double ticks = 0;
    for (int field = 1; stat >> word; ++field)
      if (field == 14 || field == 15) ticks += std::stod(word);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  [[noreturn]] static void serve(int pipe) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto server = value_of(GrpcPeerServer::start(
        "127.0.0.1:0",
        [](PeerCall, std::string bytes, PeerAnswer answer) { answer(std::move(bytes)); }, {}));
    const int port = server->port();
    if (::write(pipe, &port, sizeof(port)) != sizeof(port)) std::exit(1);
    for (;;) ::pause();
  }

  ::pid_t pid_ = 0;
  int port_ = 0;
};

/// One measurement.
struct Cost {
  double rate = 0, client_us = 0, server_us = 0, both_us = 0, wait_us = 0;
};

double now_s() { return static_cast<double>(kClock.monotonic_ms()) / 1e3; }
double own_cpu_s() {
  ::rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

Cost measure(Peers& peers, const OtherNode& other, int in_flight, double seconds) {
  boost::asio::io_context context(1);
  const std::string body(kBodyBytes, '.');
  const double begun_s = now_s(), client_s = own_cpu_s(), server_s = other.cpu_s();
  double done = 0;
  const auto caller = [&]() -> Task<> {
    while (now_s() - begun_s < seconds) {
      const auto got = co_await peers.ask(other.address(), PeerCall::kReports, body,
                                          Deadline::after(kClock, kCallMs));
      if (value_of(got).size() != kBodyBytes) throw std::runtime_error("another answer");
      ++done;
    }
  };
  for (int i = 0; i < in_flight; ++i)
    boost::asio::co_spawn(context, caller(), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  context.run();
  const double took_s = now_s() - begun_s;
  Cost out{.rate = done / took_s,
           .client_us = 1e6 * (own_cpu_s() - client_s) / done,
           .server_us = 1e6 * (other.cpu_s() - server_s) / done,
           .wait_us = 1e6 * took_s * in_flight / done};
  out.both_us = out.client_us + out.server_us;
  return out;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(int rounds, double seconds) {
  const OtherNode other;
  const auto peers = GrpcPeers::make({}, kClock);
  const std::vector<int> in_flight{1, 64, 1'024};
  for (const int calls : in_flight) measure(*peers, other, calls, seconds / 5);  // to warm up
  std::map<int, std::vector<Cost>> found;
  for (int round = 0; round < rounds; ++round)
    for (const int calls : in_flight)
      found[calls].push_back(measure(*peers, other, calls, seconds));
  std::printf("medians of %d rounds of %.1f s; CPU us are for each call\n", rounds, seconds);
  std::printf("%10s %12s %10s %10s %10s %12s\n", "in flight", "calls a s", "client us", "server us",
              "both us", "a call waits");
  for (const int calls : in_flight) {
    Cost out;
    for (double Cost::* what :
         {&Cost::rate, &Cost::client_us, &Cost::server_us, &Cost::both_us, &Cost::wait_us}) {
      std::vector<double> values;
      for (const Cost& cost : found[calls]) values.push_back(cost.*what);
      out.*what = median(values);
    }
    std::printf("%10d %12.0f %10.1f %10.1f %10.1f %9.0f us\n", calls, out.rate, out.client_us,
                out.server_us, out.both_us, out.wait_us);
  }
}

}  // namespace
}  // namespace playhead

int main(int argc, char** argv) {
  CLI::App app{"Calls between two nodes over the loopback"};
  int rounds = 5;
  double seconds = 1;
  app.add_option("--rounds", rounds, "of all measurements, in turns")->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds, "of each measurement")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  playhead::run(rounds, seconds);
  return 0;
}
