// A call's bytes: a format number, then the rows; an answer's: a format number, then the places of
// those that were taken.
#include "service/direct_inbox.h"

#include <algorithm>
#include <map>
#include <utility>

#include "record/bytes.h"
#include "runtime/side_by_side.h"
#include "service/fold_parts.h"

namespace playhead {
namespace {

constexpr std::uint8_t kFormat = 1;

Result<std::vector<InboxRow>> decode_rows(std::string_view bytes) {
  Reader in(bytes);
  if (in.fixed<std::uint8_t>() != kFormat)
    return fail(Errc::kUnavailable, "parts in a format that is not known here");
  std::vector<InboxRow> rows;
  while (in.ok() && !in.done()) {
    InboxRow row;
    row.key.slot = in.narrow<std::uint16_t>();
    row.key.id = in.text();
    row.record = in.text();
    rows.push_back(std::move(row));
  }
  if (!in.ok() || rows.size() > DirectInbox::kPartsMax || !check_inbox_rows(rows))
    return fail(Errc::kUnavailable, "parts that are cut short");
  return rows;
}

}  // namespace

std::vector<DirectInbox::Owner> DirectInbox::owners_of(const std::vector<InboxRow>& rows) const {
  const Millis now_ms = clock_.monotonic_ms();
  std::vector<Owner> out;  // few, in an order that does not depend on where they lie
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PeerNode* node = routing_.owner_of(rows[i].key.slot, now_ms);
    if (node == nullptr) continue;
    auto owner = std::ranges::find(out, node, &Owner::node);
    if (owner == out.end()) owner = out.insert(owner, {.node = node, .calls = {}});
    if (owner->calls.empty() || owner->calls.back().size() == kPartsMax)
      owner->calls.emplace_back();
    owner->calls.back().push_back(i);
  }
  return out;
}

Task<bool> DirectInbox::give(const PeerNode& owner, const Call& call,
                             const std::vector<InboxRow>& rows, std::vector<bool>& taken) {
  std::string bytes(1, static_cast<char>(kFormat));
  for (const std::size_t i : call) {
    put_varint(bytes, rows[i].key.slot);
    put_text(bytes, rows[i].key.id);
    put_text(bytes, rows[i].record);
  }
  const auto answer = co_await peers_.ask(owner.peer_address, PeerCall::kParts, std::move(bytes),
                                          Deadline::after(clock_, kAnswerMs));
  if (!answer) co_return false;
  Reader in(*answer);
  if (in.fixed<std::uint8_t>() != kFormat) co_return true;
  while (in.ok() && !in.done()) {
    const std::uint64_t place = in.varint();
    if (in.ok() && place < call.size()) taken[call[place]] = true;
  }
  co_return true;
}

Task<Result<void>> DirectInbox::append(std::vector<InboxRow> rows) {
  std::vector<bool> taken(rows.size());
  // To each owner one after the other, for he has other things to do as well. Who takes too long
  // over them may still answer his players' reports in time.
  const std::vector<Owner> owners = owners_of(rows);
  co_await side_by_side(owners.size(), [&](std::size_t i) -> Task<> {
    for (const Call& call : owners[i].calls)
      if (!co_await give(*owners[i].node, call, rows, taken)) break;
  });
  std::vector<InboxRow> rest;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!taken[i]) rest.push_back(std::move(rows[i]));
  if (rest.empty()) co_return Result<void>{};
  co_return co_await inbox_.append(std::move(rest));
}

Task<Result<std::string>> take_parts(ShardThreads& shards, std::string bytes) {
  auto rows = decode_rows(bytes);
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  std::map<InboxKey, std::size_t> places;
  for (std::size_t i = 0; i < rows->size(); ++i) places[(*rows)[i].key] = i;
  const FoldedParts folded = co_await fold_parts(shards, *std::move(rows), PartsOf::kNode);
  std::string out(1, static_cast<char>(kFormat));
  for (const InboxKey& key : folded.done) put_varint(out, places.at(key));
  co_return out;
}

}  // namespace playhead
