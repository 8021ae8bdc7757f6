// A row lies on other machines' disks and is all that there is of what was acknowledged: damage
// must show before it is folded.
#include "record/inbox.h"

#include "base/hash.h"
#include "record/bytes.h"

namespace playhead {
namespace {

constexpr std::uint8_t kInboxFormat = 1;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);

}  // namespace

std::string encode_inbox(const StoredView& view) {
  std::string out;
  out.push_back(static_cast<char>(kInboxFormat));
  encode(out, view);
  put_fixed(out, hash_bytes(out));
  return out;
}

Result<StoredView> decode_inbox(std::string_view bytes) {
  if (bytes.size() <= kChecksumBytes)
    return fail(Errc::kCorrupt, "a row of the inbox is cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  Reader checksum(bytes.substr(body.size()));
  if (checksum.fixed<std::uint64_t>() != hash_bytes(body))
    return fail(Errc::kCorrupt, "a row of the inbox fails its checksum");
  Reader in(body);
  const auto format = in.fixed<std::uint8_t>();
  if (format > kInboxFormat)
    return fail(Errc::kCorrupt, "a row of the inbox was written by a newer release (format " +
                                    std::to_string(format) + "), this one reads up to " +
                                    std::to_string(kInboxFormat));
  if (format != kInboxFormat) return fail(Errc::kCorrupt, "a row of the inbox has no known format");
  return decode_view(in.rest());
}

}  // namespace playhead
