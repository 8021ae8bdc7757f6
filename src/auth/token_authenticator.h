// The authenticator of a server with keys: callers are who their tokens say.
//
// Operation: keys come from the configuration and from a file, which refresh() reads anew when it
//   has changed. A changed set makes every cached token be checked again, so a key that is taken
//   out of the file takes its tokens with it.
// Concurrency: authenticate() from any thread; refresh() from one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "auth/authenticator.h"
#include "auth/rates.h"
#include "auth/token.h"
#include "auth/token_cache.h"
#include "runtime/clock.h"
#include "runtime/file_stamp.h"

namespace playhead {

class TokenAuthenticator final : public Authenticator {
 public:
  /// Reads the keys. Errors: invalid_argument, not_found: a key or the file can't be used.
  static Result<std::unique_ptr<TokenAuthenticator>> open(const AuthOptions& options,
                                                          const Clock& clock);

  std::expected<std::shared_ptr<const Caller>, Refusal> authenticate(
      const Credentials& credentials) const override;
  bool guards() const override { return true; }
  /// Blocks for a look at the file. True: there are other keys now. Errors: those of open(); said
  /// once a change, and the keys stay as they were.
  Result<bool> refresh() override;

  std::uint64_t generation() const override { return generation_.load(std::memory_order_acquire); }

  std::size_t tokens_cached() const { return cache_.size(); }
  /// Tokens whose signature was looked at: what the cache did not know.
  std::uint64_t tokens_checked() const { return checked_.load(std::memory_order_relaxed); }

 private:
  TokenAuthenticator(const AuthOptions& options, const Clock& clock);
  std::pair<std::shared_ptr<const KeySet>, std::uint64_t> keys() const;
  std::shared_ptr<const Caller> make_caller(std::string_view token, const Claims& claims,
                                            std::uint64_t generation) const;
  /// False: the caller asks too often.
  bool take(const Caller& caller) const;

  AuthOptions options_;
  TokenRules rules_;
  const Clock& clock_;
  FileStamp stamp_;
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;         ///< guarded by `mutex_`
  std::atomic<std::uint64_t> generation_ = 1;  ///< of `keys_`; changes with it
  const std::uint64_t seed_;                   ///< of hashes; nobody else knows it
  mutable TokenCache cache_;
  mutable Rates rates_;
  mutable std::atomic<std::uint64_t> checked_ = 0;
};

}  // namespace playhead
