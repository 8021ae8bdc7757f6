// An open-loop load: batches leave at their times whether or not earlier ones were answered, and
// each is timed from when it should have left, so that a server that stalls can't hide it.
//   playhead_load --connect 127.0.0.1:8080 --rate 50000 --seconds 10
// With --log it writes each body before it is sent (S connection batch body) and each
// acknowledgement (A connection batch); tests/kill reads that. One thread.
#include <sys/epoll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "client.h"
#include "latencies.h"
#include "workload.h"

namespace playhead {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kLookNs = 200'000;  // of the schedule, at least this often
constexpr std::int64_t kLastAnswersNs = 20 * kSecondNs;

struct LoadOptions {
  WorkloadOptions workload;
  Target target;
  double rate = 0;            ///< reports a second; 0: as fast as answers come
  double seconds = 0;         ///< 0: no limit
  std::uint64_t reports = 0;  ///< 0: no limit
  std::uint32_t in_flight = 1;
  std::string log, resume;
  bool until_broken = false;
};

struct Figures {
  std::uint64_t sent = 0, acknowledged = 0, partial = 0, refused = 0;  // batches
  std::string first_refusal;
  std::int64_t first_ns = 0, last_ns = 0;
  Latencies latencies;
};

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

Instant wall_clock() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

// A connection and what it still has to say.
struct Player {
  Client client;
  std::uint64_t next = 0;                                   ///< the next new batch
  std::deque<std::pair<std::uint64_t, std::string>> again;  ///< to be repeated first
  std::deque<std::int64_t> due;                             ///< when each batch should have left
  Instant at;                                               ///< of its last new batch
  bool write_wanted = false;
};

class Load {
 public:
  explicit Load(LoadOptions options)
      : options_(std::move(options)),
        workload_(options_.workload),
        players_(options_.workload.connections) {}

  Result<void> start();
  Result<void> run();
  const Figures& figures() const { return figures_; }
  bool broken() const { return broken_ > 0; }

 private:
  Result<void> resume();
  bool more() const;
  void schedule(std::int64_t now);
  void send_due(std::uint32_t index);
  void settle(std::uint32_t index, const Result<void>& result);
  void look(std::uint32_t index, std::uint32_t events);
  void answer(std::uint32_t index, const Arrived& arrived);
  void log(char what, std::uint32_t connection, std::uint64_t batch, std::string_view body = {});

  LoadOptions options_;
  Workload workload_;
  std::vector<Player> players_;
  Figures figures_;
  std::string body_;
  std::deque<Arrived> arrived_;
  std::FILE* log_ = nullptr;
  int epoll_ = -1;
  bool sending_ = true;
  std::uint64_t scheduled_ = 0;
  std::uint32_t broken_ = 0;
  std::int64_t start_ns_ = 0;
};

void Load::log(char what, std::uint32_t connection, std::uint64_t batch, std::string_view body) {
  if (log_ == nullptr) return;
  std::fprintf(log_, "%c %u %llu", what, connection, static_cast<unsigned long long>(batch));
  if (!body.empty()) std::fputc(' ', log_);
  std::fwrite(body.data(), 1, body.size(), log_);
  std::fputc('\n', log_);
}

// Lines "N connection batch" (the next new one) and "S connection batch body" (to be sent again).
Result<void> Load::resume() {
  std::ifstream file(options_.resume);
  if (!file) return fail(Errc::kInvalidArgument, "can't read " + options_.resume);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    char what = 0;
    std::uint32_t connection = 0;
    std::uint64_t batch = 0;
    if (!(words >> what >> connection >> batch) || connection >= players_.size())
      return fail(Errc::kInvalidArgument, options_.resume + " has a line that is none of ours");
    if (what == 'N') {
      players_[connection].next = batch;
    } else {
      words.get();
      players_[connection].again.emplace_back(batch,
                                              line.substr(static_cast<std::size_t>(words.tellg())));
    }
  }
  return {};
}

Result<void> Load::start() {
  if (!options_.resume.empty())
    if (auto resumed = resume(); !resumed) return resumed;
  if (!options_.log.empty()) {
    log_ = std::fopen(options_.log.c_str(), "w");
    if (log_ == nullptr) return fail(Errc::kInvalidArgument, "can't write " + options_.log);
  }
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::uint32_t i = 0; i < players_.size(); ++i) {
    if (auto connected = players_[i].client.connect(options_.target); !connected) return connected;
    epoll_event event{.events = EPOLLIN, .data = {.u32 = i}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, players_[i].client.socket(), &event);
  }
  return {};
}

bool Load::more() const {
  if (!sending_ || broken_ == players_.size()) return false;
  return options_.reports == 0 || scheduled_ * options_.workload.batch < options_.reports;
}

// Makes due what should have left by now: batches go to the connections in turn.
void Load::schedule(std::int64_t now) {
  const double batch_ns = options_.workload.batch * 1e9 / options_.rate;
  while (more()) {
    const auto at =
        start_ns_ + static_cast<std::int64_t>(static_cast<double>(scheduled_) * batch_ns);
    if (at > now) return;
    const auto index = static_cast<std::uint32_t>(scheduled_++ % players_.size());
    players_[index].due.push_back(at);
    send_due(index);
  }
}

void Load::send_due(std::uint32_t index) {
  Player& player = players_[index];
  if (!player.client.open()) return;
  while (player.client.in_flight() < options_.in_flight) {
    const bool paced = options_.rate > 0;
    if (paced ? player.due.empty() : !more()) break;
    std::uint64_t batch = player.next;
    if (!player.again.empty()) {
      batch = player.again.front().first;
      body_ = std::move(player.again.front().second);
      player.again.pop_front();
    } else {
      const Instant now = wall_clock();
      // In a log, the time names the batch: it is the connection's alone.
      if (log_ != nullptr && now <= player.at) break;
      player.at = now;
      ++player.next;
      body_.clear();
      workload_.body(body_, index, batch, now);
    }
    const std::int64_t intended = paced ? player.due.front() : now_ns();
    if (paced)
      player.due.pop_front();
    else
      ++scheduled_;
    log('S', index, batch, body_);
    player.client.post(body_, {.batch = batch, .intended_ns = intended});
    ++figures_.sent;
    settle(index, player.client.write());
    if (!player.client.open()) return;
  }
}

// After reading or writing: a broken connection is done, a full socket is waited for.
void Load::settle(std::uint32_t index, const Result<void>& result) {
  Player& player = players_[index];
  if (!result) {
    if (broken_++ == 0 && !options_.until_broken)
      std::cerr << "playhead_load: " << result.error().detail << '\n';
    player.client.close();
    return;
  }
  if (player.write_wanted == player.client.unsent()) return;
  player.write_wanted = player.client.unsent();
  epoll_event event{.events = EPOLLIN | (player.write_wanted ? EPOLLOUT : 0u),
                    .data = {.u32 = index}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, player.client.socket(), &event);
}

void Load::answer(std::uint32_t index, const Arrived& arrived) {
  figures_.last_ns = now_ns();
  figures_.latencies.add(figures_.last_ns - arrived.request.intended_ns);
  if (arrived.status == 204) {
    ++figures_.acknowledged;
    log('A', index, arrived.request.batch);
    return;
  }
  ++(arrived.status == 200 ? figures_.partial : figures_.refused);
  if (figures_.first_refusal.empty())
    figures_.first_refusal = std::to_string(arrived.status) + " " + arrived.body.substr(0, 500);
}

void Load::look(std::uint32_t index, std::uint32_t events) {
  Player& player = players_[index];
  if (!player.client.open()) return;
  if ((events & EPOLLOUT) != 0) settle(index, player.client.write());
  if (!player.client.open()) return;
  const Result<void> read = player.client.read(arrived_);
  for (; !arrived_.empty(); arrived_.pop_front()) answer(index, arrived_.front());
  settle(index, read);
  send_due(index);
}

Result<void> Load::run() {
  start_ns_ = now_ns();
  figures_.first_ns = start_ns_;
  const std::int64_t end_ns =
      options_.seconds > 0 ? start_ns_ + static_cast<std::int64_t>(options_.seconds * 1e9) : 0;
  std::int64_t give_up_ns = 0;
  std::vector<epoll_event> events(players_.size());
  while (true) {
    const std::int64_t now = now_ns();
    const bool all_sent = !more() && std::ranges::all_of(players_, [](const Player& player) {
      return player.due.empty() || !player.client.open();
    });
    if (sending_ && (all_sent || (end_ns != 0 && now >= end_ns))) {
      sending_ = false;
      give_up_ns = now + kLastAnswersNs;
      for (Player& player : players_) player.due.clear();
    }
    if (sending_ && options_.rate > 0) schedule(now);
    if (sending_)
      for (std::uint32_t i = 0; i < players_.size(); ++i) send_due(i);
    std::size_t waiting = 0;
    for (const Player& player : players_)
      if (player.client.open()) waiting += player.client.in_flight();
    if (!sending_ && waiting == 0) break;
    if (!sending_ && now > give_up_ns)
      return fail(Errc::kUnavailable, std::to_string(waiting) + " batches were never answered");
    const timespec timeout{.tv_sec = 0, .tv_nsec = sending_ ? kLookNs : kSecondNs / 10};
    const int ready =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < ready; ++i)
      look(events[static_cast<std::size_t>(i)].data.u32,
           events[static_cast<std::size_t>(i)].events);
  }
  if (log_ != nullptr && std::fclose(log_) != 0)
    return fail(Errc::kUnavailable, "can't write " + options_.log);
  return {};
}

void print(const Figures& figures, const LoadOptions& options) {
  const double seconds = static_cast<double>(figures.last_ns - figures.first_ns) / 1e9;
  const std::uint64_t reports = figures.acknowledged * options.workload.batch;
  const auto us = [&](unsigned per_mille) { return figures.latencies.at(per_mille) / 1000; };
  std::printf(
      "{\"sent_reports\": %llu, \"acknowledged_reports\": %llu, \"partial_batches\": %llu, "
      "\"refused_batches\": %llu, \"seconds\": %.3f, \"reports_per_s\": %.0f, \"p50_us\": %llu, "
      "\"p90_us\": %llu, \"p99_us\": %llu, \"p999_us\": %llu, \"max_us\": %llu}\n",
      static_cast<unsigned long long>(figures.sent * options.workload.batch),
      static_cast<unsigned long long>(reports), static_cast<unsigned long long>(figures.partial),
      static_cast<unsigned long long>(figures.refused), std::max(seconds, 0.0),
      seconds > 0 ? static_cast<double>(reports) / seconds : 0.0,
      static_cast<unsigned long long>(us(500)), static_cast<unsigned long long>(us(900)),
      static_cast<unsigned long long>(us(990)), static_cast<unsigned long long>(us(999)),
      static_cast<unsigned long long>(figures.latencies.max_ns() / 1000));
  if (!figures.first_refusal.empty())
    std::cerr << "playhead_load: first refusal: " << figures.first_refusal << '\n';
}

Result<LoadOptions> read_options(int argc, char** argv, int& exit_code) {
  LoadOptions options;
  WorkloadOptions& workload = options.workload;
  std::string connect;
  CLI::App app("Posts batches of reports at a given rate, and times their acknowledgement.");
  app.add_option("--connect", connect, "HOST:PORT of the server, an IPv4 address")->required();
  app.add_option("--rate", options.rate, "reports a second; 0: as fast as answers come");
  app.add_option("--seconds", options.seconds, "how long; 0: until --reports, or until stopped");
  app.add_option("--reports", options.reports, "how many; 0: no limit");
  app.add_option("--in-flight", options.in_flight, "batches of a connection under way")
      ->check(CLI::Range(1, 64));
  app.add_option("--connections", workload.connections)->check(CLI::Range(1, 10'000));
  app.add_option("--views", workload.views, "at once, of all connections");
  app.add_option("--accounts", workload.accounts)->check(CLI::Range(1, 100'000'000));
  app.add_option("--batch", workload.batch, "reports of one body")->check(CLI::Range(1, 1'000));
  app.add_option("--life", workload.life, "reports of one view; 0: it never ends");
  app.add_option("--step-ms", workload.step_ms, "of the playhead, from report to report");
  app.add_flag("--varied", workload.varied, "all states and fields, not heartbeats alone");
  app.add_option("--seed", workload.seed);
  app.add_option("--prefix", workload.prefix, "of every id");
  app.add_option("--log", options.log, "a file to write what is sent and acknowledged to");
  app.add_option("--resume", options.resume, "a file with what to send again, and where to go on");
  app.add_flag("--until-broken", options.until_broken,
               "a server that goes away ends the load in order");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return fail(Errc::kInvalidArgument, "");
  }
  const std::size_t colon = connect.rfind(':');
  if (colon == std::string::npos)
    return fail(Errc::kInvalidArgument, "--connect takes HOST:PORT, such as 127.0.0.1:8080");
  options.target = {.host = connect.substr(0, colon),
                    .port = static_cast<std::uint16_t>(std::atoi(connect.c_str() + colon + 1))};
  if (workload.views / workload.connections < workload.batch)
    return fail(Errc::kInvalidArgument,
                "--views must be at least --connections times --batch: a view is in a batch once");
  return options;
}

}  // namespace
}  // namespace playhead

int main(int argc, char** argv) {
  using namespace playhead;
  int exit_code = 2;
  const auto complain = [&](const Error& error) {
    if (!error.detail.empty()) std::cerr << "playhead_load: " << error.detail << '\n';
    return exit_code;
  };
  auto options = read_options(argc, argv, exit_code);
  if (!options) return complain(options.error());
  exit_code = 1;
  Load load(*options);
  if (auto started = load.start(); !started) {
    if (options->until_broken) print(load.figures(), *options);
    return options->until_broken ? 0 : complain(started.error());
  }
  if (auto ran = load.run(); !ran) return complain(ran.error());
  print(load.figures(), *options);
  const bool whole = load.figures().partial == 0 && load.figures().refused == 0;
  return whole && (options->until_broken || !load.broken()) ? 0 : 1;
}
