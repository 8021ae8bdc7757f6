// The views and accounts that one shard holds in memory, with the indexes over them.
//
// Operation: one small map a slot from a 64-bit hash to an entry's number, verified against the
//   full ids; entries lie in blocks that never move, so an Entry& holds until it is removed.
// Concurrency: one thread.
// Invariants: an entry is in its slot's map and in its account's list, both or neither.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/erasure.h"
#include "record/stored.h"
#include "shard/ticket.h"
#include "viewing/view.h"

namespace playhead {

class Channel;

inline constexpr std::uint32_t kNoEntry = ~0u;

/// One view in memory.
struct Entry {
  View view;
  PackedIds ids;
  std::unique_ptr<Trail> trail;    ///< until the view has qualified
  std::unique_ptr<Import> import;  ///< null for nearly all
  Instant keyed_start;
  Instant last_arrival;
  Millis deadline_ms = 0;  ///< on Clock::monotonic_ms(); meaningful while active
  std::uint64_t hash = 0;
  std::uint32_t number = 0;
  std::uint32_t interval_ms = 0;
  std::uint32_t next_in_account = kNoEntry;
  std::uint32_t next_same_hash = kNoEntry;
  std::uint16_t slot = 0;
  bool cmcd = false;
  bool active = false;
  bool expired = false;
  bool granted = false;     ///< it is active, and has a place within the account's limit
  bool dirty = false;       ///< changed since it was last handed to the store
  bool flushing = false;    ///< on its way to the store: memory keeps it until that has answered
  bool journalled = false;  ///< the journal can name it by its number
  bool indexed = false;     ///< the store has its index entries
  bool listed = false;      ///< and lists it as active
  bool title_due = true;    ///< its title lacks more of it than where it stands
  bool filed = false;       ///< it is in the wheel
  bool folded = false;      ///< holds what came out of the inbox, and the store may lack it
  bool inherited = false;   ///< was active by a former owner's word; it has not reported since
  bool through_wanted = false, through_writing = false;  ///< the store's word on it is awaited
  bool part = false;         ///< begun without a look into the store, which was away
  bool unstored = false;     ///< somebody was told that the store may not have it; nor has it since
  bool moved_since = false;  ///< its position changed since it was last published
};

/// A report that waits until its account has been read from the store.
struct Parked {
  std::string bytes;  ///< encode(Report)
  std::uint32_t index = 0;
  std::shared_ptr<Ticket> ticket;
};

struct Account {
  std::string tenant, account;
  std::uint32_t first = kNoEntry;
  std::uint32_t views = 0;
  std::uint16_t slot = 0;
  std::uint32_t busy = 0;    ///< reads under way: none of its entries may be removed
  bool loaded = false;       ///< its active views and what was erased of it are in memory
  std::uint32_t purges = 0;  ///< erasures done by the store: what was read before one is stale
  Erasures erasures;
  std::deque<Parked> parked;
  std::vector<std::shared_ptr<Channel>> channels;
};

class Table {
 public:
  explicit Table(std::uint64_t seed);

  Entry* find(const Account& account, std::string_view view);
  /// The same without knowing the account; nothing is allocated.
  Entry* find(std::uint16_t slot, std::string_view tenant, std::string_view account,
              std::string_view view);
  Entry& at(std::uint32_t number) { return blocks_[number / kBlock][number % kBlock]; }

  /// A new entry of `account`, empty but for ids, slot and number.
  Entry& add(Account& account, const Ids& ids);
  void remove(Account& account, Entry& entry);

  Account* find_account(std::string_view tenant, std::string_view account);
  Account& account(std::string_view tenant, std::string_view account);
  /// Forgets the account if nothing holds it.
  void release(Account& account);

  template <typename Visit>
  void each_of(const Account& account, Visit&& visit) {
    for (std::uint32_t number = account.first; number != kNoEntry;) {
      Entry& entry = at(number);
      number = entry.next_in_account;
      visit(entry);
    }
  }
  /// `visit` may not add or remove entries.
  template <typename Visit>
  void each_in_slot(std::uint16_t slot, Visit&& visit) {
    for (const auto& [hash, head] : slots_[slot])
      for (std::uint32_t number = head; number != kNoEntry; number = at(number).next_same_hash)
        visit(at(number));
  }
  template <typename Visit>
  void each_account(Visit&& visit) {
    for (auto& [key, account] : accounts_) visit(*account);
  }

  std::size_t views() const { return views_; }
  std::size_t accounts() const { return accounts_.size(); }

 private:
  static constexpr std::uint32_t kBlock = 1024;
  using Map = boost::unordered_flat_map<std::uint64_t, std::uint32_t>;

  struct KeyHash {
    using is_transparent = void;
    using is_avalanching = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view key) const;
  };

  std::uint64_t hash_of(std::string_view tenant, std::string_view account,
                        std::string_view view) const;
  std::string_view key_of(std::string_view tenant, std::string_view account);

  std::uint64_t seed_;
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::vector<std::uint32_t> free_;
  std::vector<Map> slots_{kSlots};
  boost::unordered_flat_map<std::string, std::unique_ptr<Account>, KeyHash, std::equal_to<>>
      accounts_;
  std::string key_;
  std::size_t views_ = 0;
};

}  // namespace playhead
