// A page of history, as a cache may give it back: the checksum and the identity are made right
// here, for no mutation would pass them. Whatever decodes is in order, and survives encoding;
// whatever is laid into it leaves it in order.
#include <algorithm>
#include <string>
#include <tuple>

#include "base/assert.h"
#include "base/hash.h"
#include "cache/page.h"
#include "record/bytes.h"

namespace playhead::fuzz {
namespace {

const ProfileRef kProfile{"_", "a", "p"};

std::string value_of(std::string_view body) {
  std::string rest;
  put_text(rest, page_identity("fuzz", kProfile));
  rest.append(body);
  std::string out(1, static_cast<char>(kPageFormat));
  put_fixed(out, hash_bytes(rest));
  return out + rest;
}

void check_order(const PageEntry& page) {
  PLAYHEAD_ASSERT(page.rows.size() <= kPageRowsMax);
  PLAYHEAD_ASSERT(std::ranges::is_sorted(page.rows, [](const PageRow& a, const PageRow& b) {
    return std::tuple(b.keyed_start, a.view) < std::tuple(a.keyed_start, b.view);
  }));
}

void check_one(std::string_view body) {
  const std::string identity = page_identity("fuzz", kProfile);
  const std::string bytes = value_of(body);
  auto page = decode_page(bytes, identity);
  if (!page) return;
  check_order(*page);
  const std::string once = encode_page(*page, identity);
  const auto back = decode_page(once, identity);
  PLAYHEAD_ASSERT(back.has_value() && encode_page(*back, identity) == once);
  const auto read = read_page(*page, kProfile);
  PLAYHEAD_ASSERT(!read || (!page->floor && read->rows.size() == page->rows.size()));

  std::vector<PageRow> changed(page->rows.rbegin(), page->rows.rend());
  for (PageRow& row : changed) row.record = "changed";
  changed.push_back({.keyed_start = {0}, .view = "a-new-one", .record = {}});
  const bool whole = page->whole;
  lay_in(*page, changed, kPageRowsMax);
  check_order(*page);
  PLAYHEAD_ASSERT(!page->whole || whole);
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  playhead::fuzz::check_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
