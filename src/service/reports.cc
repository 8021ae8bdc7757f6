// Reports on their way to their shards: own ones by a plain call, others' as one message a loop
// turn.
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "service/service.h"

namespace playhead {

// What one thread has for one other shard in this turn of its loop.
struct Service::Outbox {
  struct Item {
    std::shared_ptr<Ticket> ticket;
    std::string tenant;
    std::uint32_t index = 0;
  };
  std::vector<Item> items;
  std::string bytes;  ///< encode(Report) of each, one after the other
  bool posted = false;
};

namespace {

void merge(BatchOutcome& into, BatchOutcome&& from) {
  into.accepted += from.accepted;
  into.next_report_ms = std::max(into.next_report_ms, from.next_report_ms);
  into.unstored = into.unstored || from.unstored;
  std::ranges::move(from.rejected, std::back_inserter(into.rejected));
  std::ranges::copy(from.waiting, std::back_inserter(into.waiting));
}

}  // namespace

Service::Service(ShardThreads& shards, Store& store, const Clock& clock, ShardOptions options,
                 Others others)
    : shards_(shards),
      store_(store),
      clock_(clock),
      options_(options),
      others_(others),
      passing_(shards.count()) {
  for (std::size_t i = 0; i < shards.count() * shards.count(); ++i)
    outboxes_.push_back(std::make_unique<Outbox>());
}

Service::~Service() = default;

Submission Service::submit(std::size_t here, std::string_view tenant,
                           std::span<const Report> reports) {
  auto ticket = std::make_shared<Ticket>(clock_.monotonic_ms());
  // A report that was parked may be done before the next one is looked at: not yet the request.
  ticket->hold();
  if (reports.empty()) ticket->outcome.next_report_ms = shards_.shard(here).next_report_ms();
  bool own = false;
  for (std::uint32_t index = 0; index < reports.size(); ++index) {
    const Report& report = reports[index];
    PeerNode* other = nullptr;
    if (others_.routing != nullptr)
      other = others_.routing->whom_to_ask(slot_of(tenant, report.account), clock_.monotonic_ms());
    if (other != nullptr)
      pass_on(here, *other, lane_of(report.state), tenant, report, index, ticket);
    else
      hand(here, tenant, report, index, ticket, own);
  }
  if (own) shards_.shard(here).seal(ticket);
  ticket->release();
  return Submission(std::move(ticket));
}

// Most reports are heartbeats, which wait for nothing. A view that begins has to be read, as a
// rule, and what begins, pauses or ends is stored before it is acknowledged.
Service::Lane Service::lane_of(State state) {
  return state == State::kPlaying || state == State::kKeep ? Lane::kPrompt : Lane::kPatient;
}

// To a shard of this process. `own` becomes true if it was this thread's: seal the ticket then.
void Service::hand(std::size_t here, std::string_view tenant, const Report& report,
                   std::uint32_t index, const std::shared_ptr<Ticket>& ticket, bool& own) {
  const std::size_t owner = shards_.owner_of(tenant, report.account);
  if (owner == here) {
    shards_.shard(here).report(tenant, report, index, ticket);
    own = true;
    return;
  }
  Outbox& outbox = *outboxes_[here * shards_.count() + owner];
  ticket->hold();
  outbox.items.push_back({.ticket = ticket, .tenant = std::string(tenant), .index = index});
  encode(outbox.bytes, report);
  if (outbox.posted) return;
  outbox.posted = true;
  shards_.threads().post(here, [this, here, owner] { send(here, owner); });
}

// One message with all of this turn's reports. The owner gathers those of a request under a ticket
// of its own, and gives that ticket's outcome back when it is complete.
void Service::send(std::size_t here, std::size_t owner) {
  Outbox& outbox = *outboxes_[here * shards_.count() + owner];
  outbox.posted = false;
  auto items = std::exchange(outbox.items, {});
  auto bytes = std::exchange(outbox.bytes, {});
  shards_.threads().post(
      owner, [this, here, owner, items = std::move(items), bytes = std::move(bytes)]() mutable {
        std::string_view rest = bytes;
        Shard& shard = shards_.shard(owner);
        for (std::size_t next = 0; next < items.size();) {
          const std::shared_ptr<Ticket> origin = std::move(items[next].ticket);
          auto ticket = std::make_shared<Ticket>(origin->began_ms(), origin->prompt());
          ticket->hold();
          std::uint32_t count = 0;
          do {
            const Result<Report> report = decode_report(rest);
            PLAYHEAD_ASSERT(report.has_value());
            shard.report(items[next].tenant, *report, items[next].index, ticket);
            ++count;
            ++next;
          } while (next < items.size() && items[next].ticket == origin);
          shard.seal(ticket);
          ticket->then([this, here, origin, ticket = ticket.get(), count] {
            auto outcome = std::move(ticket->outcome);
            auto failure = ticket->failure();
            shards_.threads().post(here, [origin, count, failure = std::move(failure),
                                          outcome = std::move(outcome)]() mutable {
              merge(origin->outcome, std::move(outcome));
              for (std::uint32_t i = 0; i < count; ++i) origin->release(failure);
            });
          });
          ticket->release();
        }
      });
}

bool Submission::ready() const { return ticket_->ready(); }

Task<Result<BatchOutcome>> Submission::outcome() {
  co_await ticket_->wait();
  if (ticket_->failure()) co_return std::unexpected(*ticket_->failure());
  std::ranges::sort(ticket_->outcome.rejected, {}, &Rejected::index);
  co_return std::move(ticket_->outcome);
}

}  // namespace playhead
