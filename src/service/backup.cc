// Sweep, settle, copy: what was acknowledged is in memory, then in the store, then in the backup.
// The journal is not copied: by then it holds nothing of that time that the store has not.
#include "service/backup.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace playhead {
namespace {

std::unexpected<Error> no_directory() {
  return fail(
      Errc::kUnprocessable,
      "this server has no directory for backups: set `directory` in the section [backup] of "
      "its file");
}

}  // namespace

Task<Result<Backup>> BackupService::make() {
  if (backups_ == nullptr) co_return no_directory();
  if (busy_.exchange(true)) co_return fail(Errc::kOverloaded, "a backup is under way");
  auto made = co_await make_now();
  busy_ = false;
  co_return made;
}

Task<Result<Backup>> BackupService::make_now() {
  const Instant at = clock_.now();
  for (std::size_t i = 0; i < shards_.count(); ++i) {
    const Result<void> swept = co_await boost::asio::co_spawn(
        shards_.threads().executor(i), shards_.shard(i).sweep_all(), boost::asio::use_awaitable);
    if (!swept) co_return std::unexpected(swept.error());
  }
  if (auto settled = co_await store_.settle(); !settled) co_return std::unexpected(settled.error());
  co_return co_await backups_->make(at);
}

Task<Result<std::vector<Backup>>> BackupService::list() {
  if (backups_ == nullptr) co_return no_directory();
  co_return co_await backups_->list();
}

}  // namespace playhead
