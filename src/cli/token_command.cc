// `playhead token`: makes a token for trying things out. Real ones come from whoever knows the
// users.
#include <cstdio>
#include <memory>

#include "auth/token.h"
#include "cli/app.h"
#include "cli/query.h"
#include "config/config.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead token --keys keys.json --account smith                  a viewer's, for an hour
  playhead token --keys keys.json --account smith --profile anna   bound to a profile
  playhead token --keys keys.json --kind service --expires-in-s 86400
  playhead token --config playhead.toml --kind operator            keys and names as the server's)";

const CLI::Validator kNameValidator(
    [](std::string& text) {
      return is_token_name(text) ? std::string() : "'" + text + "' can't stand in a token";
    },
    "");

constexpr std::int64_t kExpiresInMax = 10LL * 366 * 86'400;  // seconds

struct Flags {
  std::string config, keys_file, key, kind = "viewer", tenant = "_", account, profile;
  std::string issuer, audience;
  unsigned stream_limit = 0;
  std::int64_t expires_in_s = 3'600;
  bool may_delete = false;
};

int refuse(std::string_view why) {
  say_error(why);
  return kExitError;
}

/// The options that a server of `flags` goes by. Errors: those of load_config().
Result<AuthOptions> options_of(const Flags& flags) {
  Config config;
  if (!flags.config.empty())
    if (auto loaded = load_config(flags.config, config); !loaded)
      return std::unexpected(loaded.error());
  AuthOptions options = config.auth;
  if (!flags.keys_file.empty()) {
    options.keys.clear();
    options.keys_file = flags.keys_file;
  }
  if (!flags.issuer.empty()) options.issuer = flags.issuer;
  if (!flags.audience.empty()) options.audience = flags.audience;
  return options;
}

Result<KeySet> keys_of(const AuthOptions& options) {
  if (!options.has_keys())
    return fail(Errc::kInvalidArgument,
                "which keys? Give --keys FILE, or a --config that has some; `playhead key` makes "
                "them");
  return read_keys(options);
}

/// The key of that id; without an id the first that can sign.
Result<const Key*> signing_key(const KeySet& keys, const std::string& id) {
  if (!id.empty()) {
    if (const Key* key = keys.find(id)) return key;
    return fail(Errc::kInvalidArgument, "there is no key '" + id + "'");
  }
  for (const auto& [name, key] : keys.all())
    if (key.can_sign()) return &key;
  return fail(Errc::kInvalidArgument, "none of the keys can sign: they are public ones");
}

Result<Claims> claims_of(const Flags& flags, Instant now) {
  Claims claims{.kind = *token_kind_of(flags.kind), .tenant = flags.tenant};
  const bool of_viewer = claims.kind == TokenKind::kViewer;
  if (of_viewer && flags.account.empty())
    return fail(Errc::kInvalidArgument, "whose? A viewer's token needs --account");
  if (!of_viewer && (!flags.account.empty() || !flags.profile.empty() || flags.may_delete))
    return fail(Errc::kInvalidArgument,
                "--account, --profile and --may-delete are for viewers' tokens only");
  if (claims.kind == TokenKind::kOperator && flags.stream_limit > 0)
    return fail(Errc::kInvalidArgument, "--stream-limit is nothing for an operator");
  if (!flags.account.empty()) claims.account = flags.account;
  if (!flags.profile.empty()) claims.profile = flags.profile;
  if (flags.stream_limit > 0) claims.stream_limit = flags.stream_limit;
  claims.may_delete = flags.may_delete;
  claims.expires_at = now + flags.expires_in_s * 1'000;
  return claims;
}

int token_command(const Flags& flags) {
  const auto options = options_of(flags);
  if (!options) return refuse(options.error().detail);
  const auto keys = keys_of(*options);
  if (!keys) return refuse(keys.error().detail);
  const auto key = signing_key(*keys, flags.key);
  if (!key) return refuse(key.error().detail);
  const Instant now = now_by_clock();
  const auto claims = claims_of(flags, now);
  if (!claims) return refuse(claims.error().detail);
  const TokenRules rules{.issuer = options->issuer, .audience = options->audience};
  const auto token = mint_token(*claims, rules, **key, now);
  if (!token) return refuse(token.error().detail);
  std::printf("%s\n", token->c_str());
  return kExitOk;
}

void add_options(CLI::App& command, Flags& flags) {
  command.add_option("--keys", flags.keys_file, "Key set to sign with")->type_name("FILE");
  command.add_option("--config", flags.config, "A server's TOML file: its keys, issuer, audience")
      ->type_name("FILE");
  command.add_option("--key", flags.key, "The key's id [the first that can sign]")->type_name("ID");
  command.add_option("--kind", flags.kind, "Whose token")
      ->check(CLI::IsMember({"viewer", "service", "operator"}))
      ->capture_default_str();
  command.add_option("--tenant", flags.tenant, "The tenant")
      ->check(kIdValidator)
      ->capture_default_str();
  command.add_option("--account", flags.account, "A viewer's account")->check(kIdValidator);
  command.add_option("--profile", flags.profile, "A viewer's profile, if it is bound to one")
      ->check(kIdValidator);
  command
      .add_option("--stream-limit", flags.stream_limit,
                  "Views at a time that PUT allows the account [the server's]")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000));
  command.add_flag("--may-delete", flags.may_delete, "The viewer may delete from history");
  command.add_option("--expires-in-s", flags.expires_in_s, "Seconds until it expires")
      ->type_name("S")
      ->check(CLI::Range(-kExpiresInMax, kExpiresInMax))
      ->capture_default_str();
  command.add_option("--issuer", flags.issuer, "The issuer [playhead]")
      ->type_name("TEXT")
      ->check(kNameValidator);
  command.add_option("--audience", flags.audience, "The audience [playhead]")
      ->type_name("TEXT")
      ->check(kNameValidator);
}

}  // namespace

void add_token(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("token", "Make a token for trying things out");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  add_options(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return token_command(*flags); }; });
}

}  // namespace playhead
