// Ten length-prefixed texts in one block.
#include "record/ids.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/hash.h"

namespace playhead {
namespace {

constexpr std::size_t kTexts = 10;

std::array<std::string_view, kTexts> texts_of(const Ids& ids) {
  return {ids.tenant,     ids.account, ids.profile, ids.title,       ids.series,
          ids.next_title, ids.view,    ids.device,  ids.device_type, ids.ended_by};
}

}  // namespace

std::uint16_t slot_of(std::string_view tenant, std::string_view account) {
  const std::uint64_t seed = hash_bytes(tenant);
  return static_cast<std::uint16_t>(hash_bytes(account, seed) % kSlots);
}

PackedIds::PackedIds(const Ids& ids) {
  const auto texts = texts_of(ids);
  std::size_t size = kTexts;
  for (const auto text : texts) {
    PLAYHEAD_ASSERT(text.size() <= 255);
    size += text.size();
  }
  bytes_ = std::make_unique_for_overwrite<char[]>(size);
  char* out = bytes_.get();
  for (const auto text : texts) {
    *out++ = static_cast<char>(static_cast<unsigned char>(text.size()));
    out = std::ranges::copy(text, out).out;
  }
}

Ids PackedIds::get() const {
  Ids ids;
  if (!bytes_) return ids;
  const char* in = bytes_.get();
  for (std::string_view* text :
       {&ids.tenant, &ids.account, &ids.profile, &ids.title, &ids.series, &ids.next_title,
        &ids.view, &ids.device, &ids.device_type, &ids.ended_by}) {
    const auto size = static_cast<unsigned char>(*in++);
    *text = {in, size};
    in += size;
  }
  return ids;
}

}  // namespace playhead
