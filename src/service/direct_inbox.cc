// A call's bytes: a format number, then the rows; an answer's: a format number, then the places of
// those that were taken.
#include "service/direct_inbox.h"

#include <map>
#include <set>
#include <utility>

#include "record/bytes.h"
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

std::vector<DirectInbox::Call> DirectInbox::calls_of(const std::vector<InboxRow>& rows) const {
  const Millis now_ms = clock_.monotonic_ms();
  std::vector<Call> out;
  std::map<PeerNode*, std::size_t> open;  // the last call to each
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PeerNode* owner = routing_.owner_of(rows[i].key.slot, now_ms);
    if (owner == nullptr) continue;
    const auto [place, fresh] = open.try_emplace(owner, out.size());
    if (fresh || out[place->second].rows.size() == kPartsMax) {
      place->second = out.size();
      out.push_back({.owner = owner, .rows = {}});
    }
    out[place->second].rows.push_back(i);
  }
  return out;
}

Task<bool> DirectInbox::give(const Call& call, const std::vector<InboxRow>& rows,
                             std::vector<bool>& taken) {
  std::string bytes(1, static_cast<char>(kFormat));
  for (const std::size_t i : call.rows) {
    put_varint(bytes, rows[i].key.slot);
    put_text(bytes, rows[i].key.id);
    put_text(bytes, rows[i].record);
  }
  const auto answer = co_await peers_.ask(call.owner->peer_address, PeerCall::kParts,
                                          std::move(bytes), Deadline::after(clock_, kAnswerMs));
  if (!answer) co_return false;
  Reader in(*answer);
  if (in.fixed<std::uint8_t>() != kFormat) co_return true;
  while (in.ok() && !in.done()) {
    const std::uint64_t place = in.varint();
    if (in.ok() && place < call.rows.size()) taken[call.rows[place]] = true;
  }
  co_return true;
}

Task<Result<void>> DirectInbox::append(std::vector<InboxRow> rows) {
  std::vector<bool> taken(rows.size());
  // One after the other, for the owner has other things to do as well. Who takes too long over them
  // may still answer his players' reports in time.
  std::set<PeerNode*> silent;
  for (const Call& call : calls_of(rows))
    if (!silent.contains(call.owner) && !co_await give(call, rows, taken))
      silent.insert(call.owner);
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
  const FoldedParts folded = co_await fold_parts(shards, *std::move(rows));
  std::string out(1, static_cast<char>(kFormat));
  for (const InboxKey& key : folded.done) put_varint(out, places.at(key));
  co_return out;
}

}  // namespace playhead
