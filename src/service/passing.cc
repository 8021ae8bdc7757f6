// Reports on their way to the nodes that own their accounts, and what comes of them. Whoever does
// not answer in time has perhaps taken them: they are taken here too, and folding them twice
// changes nothing.
#include <boost/asio/detached.hpp>

#include "base/assert.h"
#include "record/bytes.h"
#include "service/on_owner.h"

namespace playhead {
namespace {

constexpr std::uint8_t kPassingFormat = 4;
constexpr Millis kPassingMs = 1'000;                // for the owner's answer
constexpr std::size_t kPassingBytesMax = 8u << 20;  // that wait for their turn; more are taken here
// Messages of one thread to one node, by Service::Lane.
constexpr std::uint32_t kUnderWayMax[] = {4, 32};

// What the owner says of a message: whether the store has what it took, the interval that it wants,
// each of the reports that it refused, and which ones it has not taken, for they have to wait.
std::string encode_outcome(const BatchOutcome& outcome) {
  std::string out;
  out.push_back(static_cast<char>(kPassingFormat));
  out.push_back(outcome.unstored ? 1 : 0);
  put_varint(out, outcome.next_report_ms);
  put_varint(out, outcome.rejected.size());
  for (const Rejected& rejected : outcome.rejected) {
    put_varint(out, rejected.index);
    put_varint(out, static_cast<std::uint64_t>(rejected.error.code));
    put_text(out, rejected.error.detail);
    put_text(out, rejected.ended_by);
  }
  put_varint(out, outcome.waiting.size());
  for (const std::uint32_t index : outcome.waiting) put_varint(out, index);
  return out;
}

Result<BatchOutcome> decode_outcome(std::string_view bytes) {
  Reader in(bytes);
  BatchOutcome out;
  if (in.fixed<std::uint8_t>() != kPassingFormat)
    return fail(Errc::kUnavailable,
                "the account's owner answers in a format that is not known here");
  out.unstored = in.fixed<std::uint8_t>() != 0;
  out.next_report_ms = in.narrow<std::uint32_t>();
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    Rejected rejected;
    rejected.index = in.narrow<std::uint32_t>();
    rejected.error.code = static_cast<Errc>(in.narrow<std::uint16_t>());
    rejected.error.detail = in.text();
    rejected.ended_by = in.text();
    out.rejected.push_back(std::move(rejected));
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left)
    out.waiting.push_back(in.narrow<std::uint32_t>());
  if (!in.ok()) return fail(Errc::kUnavailable, "the account's owner gave half an answer");
  return out;
}

struct Passed {
  std::string_view tenant;
  Result<Report> report;
};

struct Head {
  std::string_view sender;
  bool prompt = false;   ///< no report is to wait for its account
  Millis waited_ms = 0;  ///< by the eldest of its reports
};

std::string with_head(const Head& head, std::string_view reports) {
  std::string out;
  out.push_back(static_cast<char>(kPassingFormat));
  out.push_back(head.prompt ? 1 : 0);
  put_varint(out, static_cast<std::uint64_t>(head.waited_ms));
  put_text(out, head.sender);
  out += reports;
  return out;
}

// A message: its head, then reports. Takes the former off `bytes`.
Result<Head> head_of(std::string_view& bytes) {
  Reader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  Head head;
  head.prompt = in.fixed<std::uint8_t>() != 0;
  head.waited_ms = in.narrow<std::uint32_t>();
  head.sender = in.text();
  if (!in.ok() || format != kPassingFormat)
    return fail(Errc::kUnavailable, "reports are passed on in a format that is not known here");
  bytes = in.rest();
  return head;
}

// The first of `bytes`, which go on behind it.
Passed next_passed(std::string_view& bytes) {
  Reader in(bytes);
  const std::string_view tenant = in.text();
  if (!in.ok()) return {.tenant = {}, .report = fail(Errc::kInvalidArgument, "no tenant")};
  bytes = in.rest();
  return {.tenant = tenant, .report = decode_report(bytes)};
}

}  // namespace

void Service::pass_on(std::size_t here, PeerNode& owner, Lane lane, std::string_view tenant,
                      const Report& report, std::uint32_t index,
                      const std::shared_ptr<Ticket>& ticket) {
  Passing& passing = passing_[here][{&owner, lane}];
  if (passing.bytes.size() >= kPassingBytesMax)
    return take_here(here, tenant, report, index, ticket);
  ticket->hold();
  passing.began_ms = std::min(passing.began_ms, ticket->began_ms());
  passing.items.push_back({.ticket = ticket, .index = index});
  put_text(passing.bytes, tenant);
  encode(passing.bytes, report);
  if (passing.posted || passing.under_way >= kUnderWayMax[static_cast<std::size_t>(lane)]) return;
  passing.posted = true;
  // With all that is submitted in this turn of the loop.
  shards_.threads().post(here, [this, here, &owner, lane] {
    boost::asio::co_spawn(shards_.threads().executor(here), send_on(here, owner, lane),
                          boost::asio::detached);
  });
}

Task<> Service::send_on(std::size_t here, PeerNode& owner, Lane lane) {
  Passing& passing = passing_[here][{&owner, lane}];
  passing.posted = false;
  ++passing.under_way;
  while (!passing.items.empty()) {
    const Millis sent_ms = clock_.monotonic_ms();
    Passing sent{.items = std::exchange(passing.items, {}),
                 .bytes = std::exchange(passing.bytes, {}),
                 .began_ms = std::exchange(passing.began_ms, kNobodyWaits)};
    const Head head{.sender = others_.routing->self(),
                    .prompt = lane == Lane::kPrompt,
                    .waited_ms = std::max<Millis>(sent_ms - sent.began_ms, 0)};
    auto answer = co_await others_.peers->ask(owner.peer_address, PeerCall::kReports,
                                              with_head(head, sent.bytes),
                                              Deadline::after(clock_, kPassingMs));
    Result<BatchOutcome> outcome =
        answer ? decode_outcome(*answer) : std::unexpected(std::move(answer.error()));
    if (!outcome) {
      // Who has answered later messages is there: something in this one kept him waiting.
      if (outcome.error().code == Errc::kUnavailable && owner.answered_ms <= sent_ms)
        Routing::fell_silent(owner, clock_.monotonic_ms());
      take_back(here, sent);
      continue;
    }
    owner.answered_ms = clock_.monotonic_ms();
    settle(here, owner, sent, *std::move(outcome));
  }
  --passing.under_way;
}

// `outcome`: what the other node says of all that was sent. What it gives back is taken here; what
// has to wait there is sent once more, and does so by itself.
void Service::settle(std::size_t here, PeerNode& other, Passing& sent, BatchOutcome outcome) {
  const auto is_back = [](const Rejected& one) { return one.error.code == Errc::kNotOwner; };
  const bool any_back = std::ranges::any_of(outcome.rejected, is_back);
  if (any_back) Routing::gave_back(other, clock_.monotonic_ms());
  std::string_view rest = sent.bytes;
  std::size_t next = 0, waits = 0;  // of those rejected, and those that wait, which are in order
  for (std::size_t i = 0; i < sent.items.size(); ++i) {
    auto& [ticket, index] = sent.items[i];
    Passed one;
    if (any_back || !outcome.waiting.empty()) one = next_passed(rest);
    ticket->outcome.next_report_ms =
        std::max(ticket->outcome.next_report_ms, outcome.next_report_ms);
    ticket->outcome.unstored = ticket->outcome.unstored || outcome.unstored;
    if (waits < outcome.waiting.size() && outcome.waiting[waits] == i) {
      ++waits;
      pass_on(here, other, Lane::kPatient, one.tenant, *one.report, index, ticket);
    } else if (next == outcome.rejected.size() || outcome.rejected[next].index != i) {
      ++ticket->outcome.accepted;
    } else if (Rejected rejected = std::move(outcome.rejected[next++]); is_back(rejected)) {
      take_here(here, one.tenant, *one.report, index, ticket);
    } else {
      rejected.index = index;
      ticket->outcome.rejected.push_back(std::move(rejected));
    }
    ticket->release();
  }
}

// The owner has not answered: this node takes the reports, and the inbox brings them to him.
void Service::take_back(std::size_t here, Passing& passing) {
  std::string_view rest = passing.bytes;
  for (const auto& [ticket, index] : passing.items) {
    const Passed one = next_passed(rest);
    PLAYHEAD_ASSERT(one.report.has_value());
    take_here(here, one.tenant, *one.report, index, ticket);
    ticket->release();
  }
}

void Service::take_here(std::size_t here, std::string_view tenant, const Report& report,
                        std::uint32_t index, const std::shared_ptr<Ticket>& ticket) {
  bool own = false;
  hand(here, tenant, report, index, ticket, own);
  if (own) shards_.shard(here).seal(ticket);
}

Task<Result<std::string>> Service::take_passed_on(std::size_t here, std::string bytes) {
  std::string_view rest = bytes;
  const auto head = head_of(rest);
  if (!head) co_return std::unexpected(head.error());
  const Millis now_ms = clock_.monotonic_ms();
  auto ticket = std::make_shared<Ticket>(now_ms - head->waited_ms, head->prompt);
  ticket->hold();
  bool own = false;
  Result<void> read;
  for (std::uint32_t index = 0; !rest.empty() && read; ++index) {
    const auto [tenant, report] = next_passed(rest);
    if (!report)
      read = fail(Errc::kInvalidArgument, "a report was passed on that can't be read here");
    else if (others_.routing->may_take(slot_of(tenant, report->account), head->sender, now_ms))
      hand(here, tenant, *report, index, ticket, own);
    else
      ticket->outcome.rejected.push_back(
          {.index = index,
           .error = {Errc::kNotOwner, "the sender has as much of a claim"},
           .ended_by = {}});
  }
  if (own) shards_.shard(here).seal(ticket);
  ticket->release();
  co_await ticket->wait();
  if (!read) co_return std::unexpected(read.error());
  if (ticket->failure()) co_return std::unexpected(*ticket->failure());
  std::ranges::sort(ticket->outcome.rejected, {}, &Rejected::index);
  std::ranges::sort(ticket->outcome.waiting);
  co_return encode_outcome(ticket->outcome);
}

}  // namespace playhead
