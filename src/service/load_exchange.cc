// Counters to rates, and rates from node to node.
#include "service/load_exchange.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "record/bytes.h"

namespace playhead {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr Millis kAnswerMs = 1'000;

struct ShardLook {
  std::vector<SlotFigures> slots;
  ShardFigures figures;
};

Task<std::uint64_t> undrained_of(Shard& shard) { co_return shard.figures().undrained; }

Task<ShardLook> look_at(Shard& shard) {
  ShardLook out{.slots = {}, .figures = shard.figures()};
  shard.slot_figures(out.slots);
  co_return out;
}

}  // namespace

void encode(std::string& out, const NodeFigures& figures) {
  out.push_back(static_cast<char>(kFormat));
  put_varint(out, figures.views_active);
  put_varint(out, figures.load);
  put_varint(out, figures.undrained);
  put_varint(out, figures.slots.size());
  for (const auto& [slot, load] : figures.slots) {
    put_varint(out, slot);
    put_varint(out, load);
  }
}

Result<NodeFigures> decode_figures(std::string_view bytes) {
  Reader in(bytes);
  NodeFigures out;
  if (in.fixed<std::uint8_t>() != kFormat)
    return fail(Errc::kUnavailable, "a node's figures in a format that is not known here");
  out.views_active = in.varint();
  out.load = in.varint();
  out.undrained = in.varint();
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto slot = in.narrow<std::uint16_t>();
    const auto load = in.narrow<std::uint32_t>();
    if (slot >= kSlots) return fail(Errc::kUnavailable, "a node's figures name no slot");
    out.slots.emplace_back(slot, load);
  }
  if (!in.ok() || count > kSlots) return fail(Errc::kUnavailable, "a node's figures are cut short");
  return out;
}

Task<std::uint64_t> undrained_views(ShardThreads& shards) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shards.count(); ++i)
    sum += co_await boost::asio::co_spawn(
        shards.threads().executor(i), undrained_of(shards.shard(i)), boost::asio::use_awaitable);
  co_return sum;
}

LoadExchange::LoadExchange(ShardThreads& shards, Peers& peers, LeaseKeeper& keeper,
                           const Clock& clock, std::string self)
    : shards_(shards),
      peers_(peers),
      keeper_(keeper),
      clock_(clock),
      self_(std::move(self)),
      measured_ms_(clock.monotonic_ms()),
      drained_ms_(measured_ms_) {}

Task<> LoadExchange::step() {
  const auto status = keeper_.status();
  if (status == nullptr || status->map == nullptr) co_return;
  const Millis began_ms = clock_.monotonic_ms();
  auto all = std::make_shared<AllFigures>();
  (*all)[self_] = co_await measure(*status);
  bool drained = all->at(self_).undrained == 0;
  if (status->nodes != nullptr)
    for (const NodeEntry& entry : *status->nodes) {
      if (entry.row.node == self_) continue;
      if (entry.row.over || entry.note.peer_address.empty()) {
        drained = drained && entry.row.over && !entry.row.taking;
        continue;
      }
      const auto answer = co_await peers_.ask(entry.note.peer_address, PeerCall::kFigures, {},
                                              Deadline::after(clock_, kAnswerMs));
      auto figures =
          answer ? decode_figures(*answer) : Result<NodeFigures>(std::unexpected(answer.error()));
      drained = drained && figures && figures->undrained == 0;
      if (!figures) continue;
      for (const auto& [slot, load] : figures->slots) meter_.learn(slot, load);
      all->insert_or_assign(entry.row.node, *std::move(figures));
    }
  if (drained && status->nodes != nullptr)
    for (std::size_t i = 0; i < shards_.count(); ++i)
      shards_.threads().post(i, [this, i, began_ms] { shards_.shard(i).drained(began_ms); });
  std::uint64_t sum = 0;
  for (const auto& [node, figures] : *all) sum += figures.load;
  keeper_.set_loads(sum >= kLoadMin * all->size() ? meter_.loads() : SlotLoads(kSlots),
                    may_give(drained));
  std::scoped_lock lock(mutex_);
  all_ = std::move(all);
}

bool LoadExchange::may_give(bool drained) {
  const Millis now_ms = clock_.monotonic_ms();
  if (drained) drained_ms_ = now_ms;
  return drained || now_ms - drained_ms_ >= kHoldMaxMs;
}

// A slot's load is counted by who owns it; the others learn it from him.
Task<NodeFigures> LoadExchange::measure(const LeaseStatus& status) {
  NodeFigures out;
  const SlotSet mine = status.map->slots_of(status.session);
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    const ShardLook look = co_await boost::asio::co_spawn(
        shards_.threads().executor(i), look_at(shards_.shard(i)), boost::asio::use_awaitable);
    out.views_active += look.figures.views_active;
    out.undrained += look.figures.undrained;
    for (const SlotFigures& slot : look.slots) {
      const std::uint64_t fresh = slot.reports - std::exchange(counted_[slot.slot], slot.reports);
      if (mine[slot.slot]) meter_.count(slot.slot, static_cast<std::uint32_t>(fresh));
    }
  }
  const Millis now_ms = clock_.monotonic_ms();
  meter_.close(std::max<Millis>(now_ms - std::exchange(measured_ms_, now_ms), 1));
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    const std::uint32_t load = meter_.loads()[slot];
    if (!mine[slot] || load == 0) continue;
    out.slots.emplace_back(slot, load);
    out.load += load;
  }
  co_return out;
}

// Loads may be as old as the last step. Whether anything is left must not be: others answer as
// fresh by it, and this node may have lost slots since, or not have measured anything yet.
Task<Result<std::string>> LoadExchange::own() const {
  const auto known = all();
  const auto last = known->find(self_);
  NodeFigures figures = last == known->end() ? NodeFigures() : last->second;
  figures.undrained = co_await undrained_views(shards_);
  std::string out;
  encode(out, figures);
  co_return out;
}

std::shared_ptr<const AllFigures> LoadExchange::all() const {
  std::scoped_lock lock(mutex_);
  return all_;
}

}  // namespace playhead
