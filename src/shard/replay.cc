// Start-up: the journal's frames into memory, by the same fold that live reports go through.
//
// A view number means what the latest snapshot of its (boot, shard) said. A heartbeat whose
// snapshot has been dropped was checkpointed before that: it is skipped. Only this shard's slots
// are read.
#include <unordered_map>

#include "base/assert.h"
#include "shard/shard.h"

namespace playhead {
namespace {

constexpr FrameNumber kProgressFrames = 1024;

// What the numbers of one writing shard mean: an entry's number, or kNoEntry.
struct Numbers {
  std::uint64_t boot = 0;
  std::vector<std::uint32_t> entries;

  std::uint32_t& of(const FrameHead& head, std::uint32_t number) {
    if (boot != head.boot) {
      boot = head.boot;
      entries.clear();
    }
    if (number >= entries.size()) entries.resize(std::size_t{number} + 1024, kNoEntry);
    return entries[number];
  }
};

}  // namespace

void Shard::replay_heartbeat(Entry& entry, const Heartbeat& heartbeat) {
  fold(entry, heartbeat.report, heartbeat.arrival, heartbeat.late, false);
  mark_dirty(entry);
}

// The snapshot says all there is: it replaces what older frames said.
Entry& Shard::replay_snapshot(StoredView&& view) {
  const Ids ids = view.ids.get();
  Account& account = table_.account(ids.tenant, ids.account);
  Entry* known = table_.find(account, ids.view);
  if (known == nullptr) {
    Entry& entry = adopt(account, std::move(view));
    entry.indexed = false;
    mark_dirty(entry);
    return entry;
  }
  known->view = view.view;
  known->trail = view.trail ? std::make_unique<Trail>(*view.trail) : nullptr;
  known->last_arrival = view.last_arrival;
  known->interval_ms = view.interval_ms;
  known->expired = view.expired;
  known->ids = std::move(view.ids);
  set_active(*known, view.active);
  if (view.active) refresh(*known, view.last_arrival);
  mark_dirty(*known);
  return *known;
}

// What fell silent before or while the server was away has ended: nobody shall see it, nor be
// refused because of it, until the wheel first turns.
void Shard::expire_silent() {
  const Millis now_ms = parts_.clock->monotonic_ms();
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    table_.each_in_slot(slot, [&](Entry& entry) {
      if (entry.active && entry.deadline_ms <= now_ms) end_silent(entry);
    });
    slots_[slot].reports = 0;
  }
}

Result<void> Shard::replay(const std::function<void(FrameNumber)>& progress) {
  replaying_ = true;
  std::unordered_map<std::uint16_t, Numbers> writers;
  const FrameVisitor visitor{
      .wanted = [this](std::uint16_t slot) { return owns(slot); },
      .heartbeat = [&](const FrameHead& head, const Heartbeat& heartbeat) -> Result<void> {
        const std::uint32_t number = writers[head.shard].of(head, heartbeat.number);
        if (number != kNoEntry) replay_heartbeat(table_.at(number), heartbeat);
        return {};
      },
      .snapshot = [&](const FrameHead& head, Snapshot&& snapshot) -> Result<void> {
        const std::uint32_t number = snapshot.number;
        Entry& entry = replay_snapshot(std::move(snapshot.view));
        writers[head.shard].of(head, number) = entry.number;
        return {};
      },
      .skipped = [&](const FrameHead& head,
                     std::uint32_t number) { writers[head.shard].of(head, number) = kNoEntry; },
      .title = [&](const FrameHead&, TitleDelta&& title) -> Result<void> {
        const std::uint16_t slot = slot_of(title.tenant, title.account);
        mark_slot(slot);
        keep_title(slot, {.profile = {std::string(title.tenant), std::string(title.account),
                                      std::string(title.profile)},
                          .title = std::string(title.title),
                          .delta = std::move(title.delta)});
        return {};
      },
  };
  durable_ = parts_.journal->extent().first - 1;  // what is read now lies above it
  const Result<void> result =
      parts_.journal->replay([&](FrameNumber number, std::string_view bytes) -> Result<void> {
        if (number % kProgressFrames == 0 && progress) progress(number);
        auto read = read_frame(bytes, visitor);
        if (!read)
          read.error().detail = "frame " + std::to_string(number) + ": " + read.error().detail;
        durable_ = number;
        return read;
      });
  durable_ = parts_.journal->extent().last;
  replaying_ = false;
  expire_silent();
  // The figures count what this process did; the gauges stand.
  figures_ = ShardFigures{.views_active = figures_.views_active};
  return result;
}

}  // namespace playhead
