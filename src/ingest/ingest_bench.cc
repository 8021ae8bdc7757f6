// What a report costs from its bytes to a Report, alone and in batches. `per_report` is CPU time.
#include <benchmark/benchmark.h>

#include <string>

#include "base/assert.h"
#include "ingest/cmcd.h"
#include "ingest/json.h"

namespace playhead {
namespace {

std::string json_report(int number) {
  const std::string id = std::to_string(100'000 + number);
  return R"({"account":"acct-)" + id +
         R"(","profile":"p1","title":"got-s01e01","series":"got","view":"0192f3c4-7a51-7c3e-9d2a-)" +
         id + R"(","device":"tv-1","device_type":"tv","sequence":)" + std::to_string(number) +
         R"(,"at":"2026-11-23T20:15:30.250Z","sent_at":"2026-11-23T20:15:30.300Z",)"
         R"("watched_ms":1201000,"state":"playing","playhead_ms":1234567,"duration_ms":3300000})";
}

std::string cmcd_record(int number) {
  return R"(cid="got-s01e01",com.example-account="acct-42",com.example-profile="kid-1",e=t,pt=61571,)"
         R"(sid="2e3e2668-663b-4253-8832-586298f4054c",sn=)" +
         std::to_string(number) + ",sta=p,ts=1795468165599,v=2\n";
}

constexpr std::string_view kRequest =
    R"(ab=(0),bl=(3003;v 2997;a),br=(366),cid="got-s01e01",d=(4004),e=rr,msd=6,mtp=(25400),ot=v,)"
    R"(rc=200,sid="2e3e2668-663b-4253-8832-586298f4054c",sn=17,st=v,sta=p,ts=1795467995886,)"
    R"(ttfb=17,ttlb=46,url="http://localhost:18801/media/segment-17.m4s",v=2)";

void finish(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
  state.counters["per_report"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void json_array(benchmark::State& state) {
  std::string body = "[";
  for (int i = 0; i < state.range(0); ++i) body += (i == 0 ? "" : ",") + json_report(i);
  body += "]";
  if (state.range(0) == 1) body = json_report(0);
  JsonParser parser{IngestOptions{}};
  for (auto _ : state) {
    const auto got = parser.reports(body, ReportsLayout::kJson);
    PLAYHEAD_ASSERT((*got)->reports.size() == static_cast<std::size_t>(state.range(0)));
  }
  finish(state, body.size());
}
BENCHMARK(json_array)->Arg(1)->Arg(100)->Arg(1'000);

void json_lines(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < state.range(0); ++i) body += json_report(i) + "\n";
  JsonParser parser{IngestOptions{}};
  for (auto _ : state) {
    const auto got = parser.reports(body, ReportsLayout::kNdjson);
    PLAYHEAD_ASSERT((*got)->reports.size() == static_cast<std::size_t>(state.range(0)));
  }
  finish(state, body.size());
}
BENCHMARK(json_lines)->Arg(1)->Arg(100)->Arg(1'000);

void cmcd(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < state.range(0); ++i) body += cmcd_record(i);
  CmcdParser parser{IngestOptions{}};
  for (auto _ : state) {
    const Reports& got = parser.reports(body, {});
    PLAYHEAD_ASSERT(got.reports.size() == static_cast<std::size_t>(state.range(0)));
  }
  finish(state, body.size());
}
BENCHMARK(cmcd)->Arg(1)->Arg(100);

void cmcd_requests(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < state.range(0); ++i) body.append(kRequest).append("\n");
  CmcdParser parser{IngestOptions{}};
  for (auto _ : state) {
    const Reports& got = parser.reports(body, {});
    PLAYHEAD_ASSERT(got.ignored == static_cast<std::size_t>(state.range(0)));
  }
  finish(state, body.size());
}
BENCHMARK(cmcd_requests)->Arg(100);

}  // namespace
}  // namespace playhead

BENCHMARK_MAIN();
