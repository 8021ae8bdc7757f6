// Start-up: the journal's frames into memory, by the same fold that live reports go through.
//
// A view number means what the latest snapshot of its (boot, shard) said. A heartbeat whose
// snapshot has been dropped was checkpointed before that: it is skipped. Only this shard's slots
// are read.
#include <array>
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

// Heartbeats on their way to entries that the processor is still fetching: views lie all over the
// memory, and waiting for each of them would take most of a start.
class Waiting {
 public:
  template <typename Take>
  void add(Entry& entry, const Heartbeat& heartbeat, Take&& take) {
    for (std::size_t byte = 0; byte < sizeof(Entry); byte += kLineBytes)
      __builtin_prefetch(reinterpret_cast<const char*>(&entry) + byte, 1);
    items_[count_++] = {&entry, heartbeat};
    if (count_ == items_.size()) take_all(take);
  }
  template <typename Take>
  void take_all(Take&& take) {
    for (std::size_t i = 0; i < count_; ++i) take(*items_[i].entry, items_[i].heartbeat);
    count_ = 0;
  }

 private:
  static constexpr std::size_t kLineBytes = 64;
  struct Item {
    Entry* entry = nullptr;
    Heartbeat heartbeat;
  };
  std::array<Item, 16> items_;
  std::size_t count_ = 0;
};

}  // namespace

void Shard::replay_heartbeat(Entry& entry, const Heartbeat& heartbeat) {
  // What made nothing active may have come when the view had fallen silent.
  if (heartbeat.late && entry.active &&
      heartbeat.arrival - entry.last_arrival >= expiry_ms(entry)) {
    entry.expired = true;
    set_active(entry, false);
  }
  fold(entry, heartbeat.report, heartbeat.arrival, heartbeat.late, false);
  mark_dirty(entry);
}

// The snapshot says all there is: it replaces what older frames said. In a cluster the store may
// lack it: whoever repeats it waits until it does not (Shard::awaits_store).
Entry& Shard::replay_snapshot(StoredView&& view) {
  const Ids ids = view.ids.get();
  Account& account = table_.account(ids.tenant, ids.account);
  Entry* known = table_.find(account, ids.view);
  if (known == nullptr) {
    Entry& entry = adopt(account, std::move(view));
    entry.indexed = false;
    entry.through_wanted = in_cluster();
    mark_dirty(entry);
    return entry;
  }
  known->view = view.view;
  known->trail = view.trail ? std::make_unique<Trail>(*view.trail) : nullptr;
  known->import = view.import ? std::make_unique<Import>(*view.import) : nullptr;
  known->last_arrival = view.last_arrival;
  known->interval_ms = view.interval_ms;
  known->expired = view.expired;
  known->ids = std::move(view.ids);
  set_active(*known, view.active);
  known->granted = view.granted;
  mark_dirty(*known);
  return *known;
}

// What fell silent before or while the server was away has ended: nobody shall see it, nor be
// refused because of it, until the wheel first turns.
void Shard::end_replay() {
  replaying_ = false;
  const Instant wall = now();
  const Millis now_ms = parts_.clock->monotonic_ms();
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    table_.each_in_slot(slot, [&](Entry& entry) {
      entry.deadline_ms = entry.active ? deadline_of(entry, wall, now_ms) : now_ms;
      file(entry);
      if (entry.active && entry.deadline_ms <= now_ms) end_silent(entry);
    });
    slots_[slot].reports = 0;
  }
}

Result<void> Shard::replay(const std::function<void(FrameNumber)>& progress) {
  replaying_ = true;
  std::unordered_map<std::uint16_t, Numbers> writers;
  Waiting waiting;
  const auto take = [this](Entry& entry, const Heartbeat& heartbeat) {
    replay_heartbeat(entry, heartbeat);
  };
  const FrameVisitor visitor{
      .wanted_frame =
          [this](const FrameHead& head) {
            return head.shards != parts_.count || head.shard == parts_.index;
          },
      .wanted = [this](std::uint16_t slot) { return owns(slot); },
      .heartbeat = [&](const FrameHead& head, const Heartbeat& heartbeat) -> Result<void> {
        const std::uint32_t number = writers[head.shard].of(head, heartbeat.number);
        if (number != kNoEntry) waiting.add(table_.at(number), heartbeat, take);
        return {};
      },
      .snapshot = [&](const FrameHead& head, Snapshot&& snapshot) -> Result<void> {
        waiting.take_all(take);
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
      .erasure = [&](const FrameHead&, const ErasureRecord& erasure) -> Result<void> {
        waiting.take_all(take);
        replay_erasure(erasure);
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
        waiting.take_all(take);
        durable_ = number;
        return read;
      });
  durable_ = parts_.journal->extent().last;
  end_replay();
  // The figures count what this process did; the gauges stand.
  figures_ = ShardFigures{.views_active = figures_.views_active};
  return result;
}

}  // namespace playhead
