// What operators ask: is it alive, is it ready, what does a problem mean, how is it loaded.
#include <algorithm>

#include "http/handlers.h"
#include "http/problem.h"
#include "http/worker.h"

namespace playhead {
namespace {

constexpr std::size_t kBusiestSlots = 20;  // shown by /v1/cluster

Reply text_reply(std::string text) { return {.content_type = kPlainText, .body = std::move(text)}; }

void add_http_figures(MetricsText& out, const Shared& shared) {
  const auto sum = [&](auto member) {
    double total = 0;
    for (const HttpFigures* figures : shared.figures)
      total += static_cast<double>((figures->*member).get());
    return total;
  };
  using F = HttpFigures;
  out.gauge("playhead_http_connections", "Connections open now.", sum(&F::connections));
  out.counter("playhead_http_connections_total", "Connections accepted.",
              sum(&F::connections_total));
  out.counter("playhead_http_connections_refused_total", "Connections above connections_max.",
              sum(&F::connections_refused));
  out.counter("playhead_tls_handshakes_total", "Connections that came to speak TLS.",
              sum(&F::handshakes));
  out.counter("playhead_tls_handshake_errors_total",
              "Connections to a TLS listener that did not, in time or at all.",
              sum(&F::handshake_errors));
  for (std::size_t digit = 1; digit < std::tuple_size_v<decltype(F::statuses)>; ++digit) {
    double answers = 0;
    for (const HttpFigures* figures : shared.figures)
      answers += static_cast<double>(figures->statuses[digit].get());
    out.counter("playhead_http_requests_total", "Requests answered, by class of status.", answers,
                {{"status", std::to_string(digit) + "xx"}});
  }
  out.counter("playhead_http_framing_errors_total",
              "Requests whose framing could not be trusted; each closed its connection.",
              sum(&F::framing_errors));
  out.counter("playhead_http_timeouts_total", "Connections that were too slow.", sum(&F::timeouts));
  out.gauge("playhead_http_streams", "Viewers' streams open now.", sum(&F::streams));
  out.counter("playhead_http_received_bytes_total", "Bytes read from connections.",
              sum(&F::bytes_in));
  out.counter("playhead_http_sent_bytes_total", "Bytes written to connections.",
              sum(&F::bytes_out));
  out.counter("playhead_report_fields_ignored_total",
              "Unknown or senseless fields of reports that were accepted.",
              sum(&F::fields_ignored));
  out.counter("playhead_cmcd_dropped_total", "CMCD records that could not be used.",
              sum(&F::cmcd_dropped));
}

void add_certificate_figures(MetricsText& out, const TlsContext& tls) {
  out.gauge("playhead_tls_certificate_expires_seconds",
            "When the certificate ends, in seconds since 1970.",
            static_cast<double>(tls.expires_at().ms) / 1e3);
  out.counter("playhead_tls_certificate_reloads_total", "Certificates taken over from new files.",
              static_cast<double>(tls.reloads()));
  out.counter("playhead_tls_certificate_reload_errors_total",
              "New files that could not be used; the certificate from before held on.",
              static_cast<double>(tls.reload_errors()));
}

void add_shard_figures(MetricsText& out, const std::vector<ShardFigures>& shards) {
  const auto each = [&](auto add, std::string_view name, std::string_view help,
                        std::uint64_t ShardFigures::* member) {
    for (std::size_t i = 0; i < shards.size(); ++i)
      (out.*add)(name, help, static_cast<double>(shards[i].*member),
                 {{"shard", std::to_string(i)}});
  };
  using F = ShardFigures;
  constexpr auto kCounter = &MetricsText::counter;
  constexpr auto kGauge = &MetricsText::gauge;
  each(kCounter, "playhead_reports_total", "Reports folded.", &F::reports);
  each(kCounter, "playhead_reports_repeated_total", "Reports that changed nothing.", &F::repeats);
  each(kCounter, "playhead_reports_late_total", "Reports older than their view's expiry.",
       &F::late);
  each(kCounter, "playhead_reports_rejected_total", "Reports that were refused.", &F::rejected);
  each(kCounter, "playhead_playheads_dropped_total",
       "Playheads beyond the duration; their reports were kept.", &F::playheads_dropped);
  each(kGauge, "playhead_views_active", "Views that have neither ended nor expired.",
       &F::views_active);
  each(kGauge, "playhead_views_in_memory", "Views in memory, active or not.", &F::views_in_memory);
  each(kGauge, "playhead_accounts_in_memory", "Accounts in memory.", &F::accounts_in_memory);
  each(kCounter, "playhead_views_started_total", "Views begun.", &F::views_started);
  each(kCounter, "playhead_views_ended_total", "Views ended, for whatever reason.",
       &F::views_ended);
  each(kCounter, "playhead_views_expired_total", "Views ended by silence.", &F::views_expired);
  each(kCounter, "playhead_journal_frames_closed_total", "Frames handed to the journal.",
       &F::frames);
  each(kCounter, "playhead_journal_frame_bytes_total", "Bytes of those frames.", &F::frame_bytes);
  each(kCounter, "playhead_checkpoint_rows_total", "Rows handed to the store.", &F::store_rows);
  each(kCounter, "playhead_through_views_total",
       "Views stored before a report was acknowledged, in a cluster.", &F::through_rows);
  each(kCounter, "playhead_through_errors_total",
       "Reports acknowledged by the journal alone, for the store did not answer.",
       &F::through_errors);
  each(kCounter, "playhead_inbox_rows_total",
       "Parts of views handed to their owners, or to the inbox.", &F::inbox_rows);
  each(kCounter, "playhead_inbox_folded_total", "Rows of the inbox folded and removed.",
       &F::inbox_folded);
  each(kCounter, "playhead_inbox_dropped_total",
       "Rows of the inbox that tell of what was erased, or can't be read.", &F::inbox_dropped);
  each(kGauge, "playhead_undrained_views",
       "Views in memory whose slots are not surely this node's: their owners are to get them.",
       &F::undrained);
  each(kCounter, "playhead_checkpoint_errors_total", "Writes that the store refused.",
       &F::sweep_errors);
  each(kCounter, "playhead_erasures_total", "Accounts and profiles erased.", &F::erasures);
  each(kCounter, "playhead_account_loads_total", "Accounts read from the store.", &F::loads);
  each(kCounter, "playhead_accounts_handed_total",
       "Accounts that came with their slots from the slots' former owner, and were not read.",
       &F::handed);
  each(kCounter, "playhead_streams_dropped_total", "Streams whose reader was too slow.",
       &F::streams_dropped);
}

// By the map that this node has last read.
std::size_t slots_of(const LeaseStatus& status, std::string_view node) {
  std::size_t slots = 0;
  for (std::uint16_t slot = 0; status.map != nullptr && slot < kSlots; ++slot) {
    const Owner* owner = status.map->owner_of(slot);
    slots += owner != nullptr && owner->node == node;
  }
  return slots;
}

// What the node said of itself a few seconds ago; nothing of one that is silent.
void write_figures(JsonOut& json, const Shared& shared, const std::string& node,
                   bool others = false) {
  if (!shared.parts.figures) return;
  const auto all = shared.parts.figures();
  const auto found = all->find(node);
  if (found == all->end()) return;
  const NodeFigures& figures = found->second;
  if (others) json.field("views_active", figures.views_active);
  json.field("reports_per_s", figures.load / 1'000).field("undrained_views", figures.undrained);
}

void write_node(JsonOut& json, const Shared& shared, const LeaseStatus* status,
                const std::vector<ShardFigures>& shards) {
  std::uint64_t active = 0, reports = 0;
  for (const ShardFigures& figures : shards) {
    active += figures.views_active;
    reports += figures.reports;
  }
  json.open('{')
      .field("node", shared.parts.node)
      .field("state", shared.ready.load() ? "ready" : "starting")
      .field("epoch", std::to_string(shared.parts.boot))
      .field("started_at", shared.parts.started_at)
      .field("threads", shards.size())
      .field("slots", status != nullptr ? slots_of(*status, shared.parts.node) : kSlots)
      .field("views_active", active)
      .field("reports", reports);
  write_figures(json, shared, shared.parts.node);
  json.close('}');
}

// The other nodes by their rows, and by what they say of what they do.
void write_others(JsonOut& json, const Shared& shared, const LeaseStatus& status) {
  if (status.nodes == nullptr) return;
  for (const NodeEntry& entry : *status.nodes) {
    if (entry.row.node == shared.parts.node) continue;
    json.open('{')
        .field("node", entry.row.node)
        .field("state", entry.row.over     ? "gone"
                        : entry.row.taking ? "ready"
                                           : "leaving")
        .field("epoch", std::to_string(entry.row.session))
        .field("slots", slots_of(status, entry.row.node))
        .field("http_address", entry.note.http_address);
    write_figures(json, shared, entry.row.node, true);
    json.close('}');
  }
}

// Neighbours of one owner and epoch together; slots without an owner are left out.
void write_slots(JsonOut& json, const LeaseStatus& status) {
  if (status.map == nullptr) return;
  for (unsigned first = 0; first < kSlots;) {
    const auto slot = static_cast<std::uint16_t>(first);
    const Owner* owner = status.map->owner_of(slot);
    const std::uint64_t epoch = status.map->epoch_of(slot);
    unsigned next = first + 1;
    while (next < kSlots && status.map->owner_of(static_cast<std::uint16_t>(next)) == owner &&
           status.map->epoch_of(static_cast<std::uint16_t>(next)) == epoch)
      ++next;
    if (owner != nullptr)
      json.open('{')
          .field("first", first)
          .field("last", next - 1)
          .field("node", owner->node)
          .field("epoch", std::to_string(epoch))
          .close('}');
    first = next;
  }
}

}  // namespace

Task<Reply> get_livez(Request) { co_return text_reply("alive\n"); }

Task<Reply> get_readyz(Request request) {
  Shared& shared = request.worker->shared();
  if (shared.ready.load()) co_return text_reply("ready\n");
  std::scoped_lock lock(shared.mutex);
  co_return problem(problems::kStarting, shared.not_ready);
}

Task<Reply> get_problem(Request request) {
  const auto all = all_problems();
  const auto found = std::ranges::find(all, std::string_view(request.name),
                                       [](const ProblemType* type) { return type->name; });
  if (found == all.end()) co_return problem(problems::kNotFound, "no such type of problem");
  const ProblemType& type = **found;
  std::string text;
  ((text += type.title) += "\n\n") += type.advice;
  text += "\n\nStatus: " + std::to_string(type.status);
  text += "\nCode: " + std::to_string(static_cast<unsigned>(type.code));
  text += type.retryable ? "\nRetry: yes, after a pause\n" : "\nRetry: no\n";
  co_return text_reply(std::move(text));
}

Task<Reply> get_metrics(Request request) {
  Shared& shared = request.worker->shared();
  MetricsText out;
  out.gauge("playhead_ready", "1 once the journal has been read.", shared.ready.load() ? 1 : 0);
  add_http_figures(out, shared);
  if (shared.tls) add_certificate_figures(out, *shared.tls);
  if (shared.ready.load()) add_shard_figures(out, co_await request.worker->service().figures());
  if (shared.parts.collect) shared.parts.collect(out);
  Reply reply{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = out.text()};
  co_return reply;
}

// In embedded mode one node owns all.
Task<Reply> get_cluster(Request request) {
  Worker& worker = *request.worker;
  const Instant as_of = worker.clock().now();
  const auto shards = co_await worker.service().figures();
  const auto all_slots = request.query.flag("all_slots");
  if (!all_slots) co_return problem(all_slots.error());
  auto slots = co_await worker.service().slots();
  std::vector<std::uint64_t> by_slot(*all_slots ? kSlots : 0);
  for (const SlotFigures& slot : slots)
    if (slot.slot < by_slot.size()) by_slot[slot.slot] = slot.reports;
  std::ranges::sort(slots, std::greater(), &SlotFigures::reports);
  slots.resize(std::min(slots.size(), kBusiestSlots));
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  const Shared& shared = worker.shared();
  const auto status = shared.parts.cluster ? shared.parts.cluster() : nullptr;
  json.open('{').field("mode", status ? "cluster" : "embedded").key("nodes").open('[');
  write_node(json, shared, status.get(), shards);
  if (status) write_others(json, shared, *status);
  json.close(']').key("slots").open('[');
  if (status)
    write_slots(json, *status);
  else
    json.open('{')
        .field("first", 0)
        .field("last", kSlots - 1)
        .field("node", shared.parts.node)
        .field("epoch", std::to_string(shared.parts.boot))
        .close('}');
  json.close(']').key("busiest_slots").open('[');
  for (const SlotFigures& slot : slots)
    json.open('{')
        .field("slot", slot.slot)
        .field("reports", slot.reports)
        .field("views_active", slot.views_active)
        .close('}');
  json.close(']');
  if (*all_slots) {
    json.key("slot_reports").open('[');
    for (const std::uint64_t reports : by_slot) json.value(reports);
    json.close(']');
  }
  json.field("as_of", as_of).field("stale", false).close('}');
  co_return reply;
}

}  // namespace playhead
