// Two ways to keep a page of history fresh in a cache, side by side against real servers of its
// own: Memcached, where the page is read, changed and written back by compare-and-set, and Redis,
// where a script appends and trims. One thread and one connection each, in turns, several rounds;
// then four writers at once on one page. The clients are the product's (src/cache), without their
// lanes.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "cache/cache_test_kit.h"
#include "cache/memcached/memcached_client.h"
#include "cache/redis/redis_client.h"

namespace playhead {
namespace {

const ProfileRef kProfile{"_", "account-1", "profile-1"};
const SystemClock kClock;
constexpr int kWriters = 4;
constexpr int kContendedRows = 100;

CallTime soon() { return {.now = kClock.now(), .deadline = Deadline::after(kClock, 5'000)}; }

/// What has been spent so far.
struct Spent {
  double seconds = 0, client_cpu_s = 0, server_cpu_s = 0, bytes_in = 0, bytes_out = 0;
};

/// A cache with a server of its own.
class Contender {
 public:
  Contender(std::string its_name, TestServer::Command command)
      : name(std::move(its_name)), server(std::move(command)) {}
  virtual ~Contender() = default;
  virtual std::unique_ptr<CacheClient> connect(CacheState& state) = 0;

  Spent spent() {
    ::rusage usage;
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const ::timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    std::ifstream stat("/proc/" + std::to_string(server.pid()) + "/stat");
    std::string word;
    double ticks = 0;
    for (int field = 1; stat >> word; ++field)
      if (field == 14 || field == 15) ticks += std::stod(word);
    Spent out{.client_cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
              .server_cpu_s = ticks / static_cast<double>(::sysconf(_SC_CLK_TCK))};
    count_bytes(out);
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    out.seconds = std::chrono::duration<double>(now).count();
    return out;
  }

  const std::string name;
  TestServer server;

 protected:
  virtual void count_bytes(Spent& out) = 0;
  static double number_after(const std::string& text, const std::string& label) {
    const std::size_t at = text.find(label);
    if (at == std::string::npos) throw std::runtime_error("no " + label);
    return std::stod(text.substr(at + label.size()));
  }
};

class Memcached final : public Contender {
 public:
  Memcached() : Contender("memcached", memcached_command()) {}
  std::unique_ptr<CacheClient> connect(CacheState& state) override {
    const std::vector<MemcachedServer> servers{{.host = "127.0.0.1", .port = server.port()}};
    return std::make_unique<MemcachedClient>(servers, state);
  }

 private:
  void count_bytes(Spent& out) override {
    const std::string stats = LoopbackSocket(server.port()).ask("stats", "END\r\n");
    out.bytes_in = number_after(stats, "bytes_read ");
    out.bytes_out = number_after(stats, "bytes_written ");
  }
};

class Redis final : public Contender {
 public:
  Redis() : Contender("redis", redis_command()) {}
  std::unique_ptr<CacheClient> connect(CacheState& state) override {
    return std::make_unique<RedisClient>(RedisServer{.host = "127.0.0.1", .port = server.port()},
                                         state);
  }

 private:
  void count_bytes(Spent& out) override {
    const std::string info = LoopbackSocket(server.port()).ask("INFO stats\r\nPING", "+PONG\r\n");
    out.bytes_in = number_after(info, "total_net_input_bytes:");
    out.bytes_out = number_after(info, "total_net_output_bytes:");
  }
};

/// One measurement, for each operation.
struct Cost {
  double rate = 0, us = 0, client_us = 0, server_us = 0, bytes_in = 0, bytes_out = 0, tries = 1;
};

Cost cost_of(const Spent& before, const Spent& after, double operations) {
  const auto each = [&](double Spent::* what) { return (after.*what - before.*what) / operations; };
  return {.rate = 1 / each(&Spent::seconds),
          .us = 1e6 * each(&Spent::seconds),
          .client_us = 1e6 * each(&Spent::client_cpu_s),
          .server_us = 1e6 * each(&Spent::server_cpu_s),
          .bytes_in = each(&Spent::bytes_in),
          .bytes_out = each(&Spent::bytes_out)};
}

bool until(const Spent& begun, double seconds) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count() - begun.seconds < seconds;
}

void fill(CacheClient& client, PageVersion version, int rows) {
  Page page{.version = version, .as_of = kClock.now(), .whole = false};
  for (int i = 0; i < rows; ++i) page.rows.push_back(make_row(kProfile, i));
  if (client.fill(kProfile, page, soon()) != Written::kApplied)
    throw std::runtime_error("a page could not be filled");
}

/// The changes of a profile that watches: four times of five one of its ten newest views moves,
/// then a new one begins.
class Changes {
 public:
  explicit Changes(int rows) : newest_(rows - 1), prng_(1) {}
  PageChange next(PageVersion before) {
    ++made_;
    const int view = made_ % 5 == 0 ? ++newest_ : newest_ - static_cast<int>(prng_.below(10));
    PageChange out{.profile = kProfile,
                   .before = before,
                   .after = {before.epoch, before.count + 1},
                   .as_of = kClock.now()};
    out.rows.push_back(make_row(kProfile, view, 1'000 * made_));
    return out;
  }

 private:
  int newest_;
  int made_ = 0;
  Prng prng_;
};

Cost measure_updates(Contender& contender, std::uint64_t epoch, int rows, double seconds) {
  CacheState state(kClock, {.page_rows_max = static_cast<std::uint32_t>(rows)}, 1);
  const auto client = contender.connect(state);
  PageVersion version{epoch, 0};
  fill(*client, version, rows);
  Changes changes(rows);
  const Spent before = contender.spent();
  double done = 0;
  for (; until(before, seconds); ++done) {
    const PageChange change = changes.next(version);
    if (client->put(change, soon()) != Written::kApplied)
      throw std::runtime_error("a put was not applied");
    version = change.after;
  }
  return cost_of(before, contender.spent(), done);
}

Cost measure_reads(Contender& contender, std::uint64_t epoch, int rows, double seconds) {
  CacheState state(kClock, {.page_rows_max = static_cast<std::uint32_t>(rows)}, 1);
  const auto client = contender.connect(state);
  fill(*client, {epoch, 0}, rows);
  const Spent before = contender.spent();
  double done = 0;
  for (; until(before, seconds); ++done) {
    const auto page = client->newest(kProfile, soon());
    if (!page || page->rows.size() != static_cast<std::size_t>(rows))
      throw std::runtime_error("a read was a miss");
  }
  return cost_of(before, contender.spent(), done);
}

// Each writer follows on the newest version that it knows of, and tries again where another came
// first.
Cost measure_contended(Contender& contender, std::uint64_t epoch, double seconds) {
  CacheState state(kClock, {.page_rows_max = kContendedRows}, 1);
  fill(*contender.connect(state), {epoch, 0}, kContendedRows);
  std::atomic<std::uint64_t> count = 0, tries = 0, done = 0;
  const Spent before = contender.spent();
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&] {
      const auto client = contender.connect(state);
      Changes changes(kContendedRows);
      while (until(before, seconds)) {
        const std::uint64_t known = count.load();
        ++tries;
        if (client->put(changes.next({epoch, known}), soon()) != Written::kApplied) continue;
        count.store(known + 1);
        ++done;
      }
    });
  for (std::thread& writer : writers) writer.join();
  Cost out = cost_of(before, contender.spent(), static_cast<double>(done.load()));
  out.tries = static_cast<double>(tries.load()) / static_cast<double>(done.load());
  return out;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Cost median_of(const std::vector<Cost>& costs) {
  Cost out;
  for (double Cost::* what : {&Cost::rate, &Cost::us, &Cost::client_us, &Cost::server_us,
                              &Cost::bytes_in, &Cost::bytes_out, &Cost::tries}) {
    std::vector<double> values;
    for (const Cost& cost : costs) values.push_back(cost.*what);
    out.*what = median(values);
  }
  return out;
}

void print(const std::string& what, const std::string& who, const Cost& cost) {
  std::printf("%-26s %-10s %9.0f %8.1f %8.1f %8.1f %9.0f %9.0f %6.2f\n", what.c_str(), who.c_str(),
              cost.rate, cost.us, cost.client_us, cost.server_us, cost.bytes_in, cost.bytes_out,
              cost.tries);
  std::fflush(stdout);
}

void run(int rounds, double seconds) {
  Memcached memcached;
  Redis redis;
  const std::vector<Contender*> contenders{&memcached, &redis};
  std::vector<std::string> order;
  std::map<std::string, std::map<std::string, std::vector<Cost>>> found;
  std::uint64_t epoch = 0;
  const auto measure = [&](const std::string& what, auto how) {
    if (!found.contains(what)) order.push_back(what);
    for (Contender* contender : contenders)
      found[what][contender->name].push_back(how(*contender, ++epoch));
  };
  for (int round = 0; round < rounds; ++round) {
    for (const int rows : {20, 100, 500}) {
      const std::string page = "page of " + std::to_string(rows);
      measure("update, " + page, [&](Contender& contender, std::uint64_t its_epoch) {
        return measure_updates(contender, its_epoch, rows, seconds);
      });
      measure("read, " + page, [&](Contender& contender, std::uint64_t its_epoch) {
        return measure_reads(contender, its_epoch, rows, seconds);
      });
    }
    measure("update by 4, page of 100", [&](Contender& contender, std::uint64_t its_epoch) {
      return measure_contended(contender, its_epoch, seconds);
    });
  }
  std::printf("medians of %d rounds; us and bytes are for each update or read that was made\n",
              rounds);
  std::printf("%-26s %-10s %9s %8s %8s %8s %9s %9s %6s\n", "", "", "a second", "us", "client",
              "server", "bytes to", "from", "tries");
  for (const std::string& what : order) {
    const Cost by_reading = median_of(found[what]["memcached"]);
    const Cost by_appending = median_of(found[what]["redis"]);
    print(what, "memcached", by_reading);
    print(what, "redis", by_appending);
    const auto bytes = [](const Cost& cost) { return cost.bytes_in + cost.bytes_out; };
    std::printf("%-26s redis is %.2f times as fast, with %.3f of the CPU and %.3f of the bytes\n",
                "", by_appending.rate / by_reading.rate,
                (by_appending.client_us + by_appending.server_us) /
                    (by_reading.client_us + by_reading.server_us),
                bytes(by_appending) / bytes(by_reading));
  }
}

}  // namespace
}  // namespace playhead

int main(int argc, char** argv) {
  CLI::App app{"Keeps a page of history fresh in Memcached and in Redis"};
  int rounds = 5;
  double seconds = 1;
  app.add_option("--rounds", rounds, "of all measurements, in turns")->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds, "of each measurement")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);  // hiredis 0.14 writes without MSG_NOSIGNAL
  playhead::run(rounds, seconds);
  return 0;
}
