// One hash for the whole project: XXH3 with a seed that never changes, because slots and the
// order of equal reports are derived from it on disk. Not for keys that an attacker chooses
// against a map of ours: those maps add their own random seed.
#pragma once

#include <cstdint>
#include <string_view>

namespace playhead {

/// XXH3-64 of `bytes`. Source: xxHash, doc/xxhash_spec.md.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace playhead
