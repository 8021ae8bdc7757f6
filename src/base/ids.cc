// The alphabet of ids as a table: every id of every report passes through it.
#include "base/ids.h"

#include <array>

namespace playhead {
namespace {

constexpr std::array<unsigned char, 256> kIdBytes = [] {
  std::array<unsigned char, 256> table{};
  for (unsigned char c = 'A'; c <= 'Z'; ++c) table[c] = 1;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = 1;
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = 1;
  for (const unsigned char c : {'.', '_', '~', ':', '@', '-'}) table[c] = 1;
  return table;
}();

}  // namespace

bool is_id_byte(char byte) { return kIdBytes[static_cast<unsigned char>(byte)] != 0; }

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kIdBytesMax) return false;
  unsigned char good = 1;
  for (const char c : text) good &= kIdBytes[static_cast<unsigned char>(c)];
  return good != 0;
}

}  // namespace playhead
