// Who a view belongs to and what it shows, packed into one allocation. A view's numbers
// (viewing/view.h) live beside it. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace playhead {

inline constexpr unsigned kSlots = 4096;

/// The texts that name a view. Borrowed: as long as what they were taken from.
struct Ids {
  std::string_view tenant, account, profile, title, series, next_title, view, device, device_type;
  std::string_view ended_by;  ///< the device that replaced or terminated the view

  friend bool operator==(const Ids&, const Ids&) = default;
};

/// hash(tenant, account) mod 4096. On disk: never changes.
std::uint16_t slot_of(std::string_view tenant, std::string_view account);

/// An owned copy of Ids in one allocation of at most 10 * (1 + kIdBytesMax) bytes.
class PackedIds {
 public:
  PackedIds() = default;
  explicit PackedIds(const Ids& ids);
  Ids get() const;

 private:
  std::unique_ptr<char[]> bytes_;  // ten length-prefixed texts
};

}  // namespace playhead
