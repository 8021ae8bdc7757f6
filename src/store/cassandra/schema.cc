// The text lies in schema.cql, and in the binary.
#include "store/cassandra/schema.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

// NOLINTBEGIN(readability-identifier-naming): the names are made by cmake/Embed.cmake
extern "C" {
extern const char playhead_embedded_cassandra_schema_begin[],
    playhead_embedded_cassandra_schema_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace playhead {
namespace {

constexpr std::size_t kKeyspaceBytesMax = 48;  // Cassandra's own limit
// Nodes must agree on each change before the next one; a loaded ring takes its time.
constexpr std::uint32_t kChangeTimeoutMs = 60'000;

bool is_keyspace(std::string_view name) {
  const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kKeyspaceBytesMax && small(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return small(c) || (c >= '0' && c <= '9') || c == '_'; });
}

void replace_all(std::string& text, std::string_view mark, std::string_view value) {
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
    text.replace(at, mark.size(), value);
}

// The statements of `text`, without comments. No text in it holds a semicolon.
std::vector<std::string> statements_of(std::string_view text) {
  std::vector<std::string> out;
  std::string statement;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1);
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.starts_with("--") || line.empty()) continue;
    const bool last = line.ends_with(';');
    if (last) line.remove_suffix(1);
    (statement += line) += '\n';
    if (last) out.push_back(std::exchange(statement, {}));
  }
  return out;
}

}  // namespace

Result<std::string> schema_text(const SchemaOptions& options) {
  if (!is_keyspace(options.keyspace))
    return fail(Errc::kInvalidArgument,
                "'" + options.keyspace + "' is no keyspace: a letter, then a-z 0-9 _, at most 48");
  if (options.replication < 1 || options.replication > kReplicationMax)
    return fail(Errc::kInvalidArgument,
                "replication must be 1 to " + std::to_string(kReplicationMax));
  std::string text(playhead_embedded_cassandra_schema_begin,
                   playhead_embedded_cassandra_schema_end);
  replace_all(text, "@keyspace@", options.keyspace);
  replace_all(text, "@replication@", std::to_string(options.replication));
  return text;
}

Task<Result<void>> apply_schema(CqlSession& session, SchemaOptions options) {
  const auto text = schema_text(options);
  if (!text) co_return std::unexpected(text.error());
  for (std::string& statement : statements_of(*text)) {
    auto done = co_await session.query(std::move(statement), kChangeTimeoutMs);
    if (!done) co_return std::unexpected(std::move(done.error()));
  }
  co_return Result<void>{};
}

}  // namespace playhead
