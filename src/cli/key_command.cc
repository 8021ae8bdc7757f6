// `playhead key`: makes keys for tokens, and takes the public part out of a set of keys.
#include <cstdio>
#include <memory>

#include "auth/jwk.h"
#include "cli/app.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead key > keys.json                        a new key set, with one key for ES256
  playhead key --alg HS256 --id k2 > keys.json    one secret that signs and checks
  playhead key --public-of keys.json > jwks.json  what a server needs to check tokens

A key set with private keys signs tokens: keep it where only those can read it who may make them.)";

struct Flags {
  std::string algorithm = "ES256", id = "k1", public_of;
};

Result<KeySet> keys_of(const Flags& flags) {
  KeySet keys;
  if (!flags.public_of.empty()) {
    if (auto read = add_jwks_file(flags.public_of, keys); !read)
      return std::unexpected(read.error());
    return keys;
  }
  auto key = Key::generate(flags.id, *algorithm_of(flags.algorithm));
  if (!key) return std::unexpected(key.error());
  if (auto added = keys.add(*std::move(key)); !added) return std::unexpected(added.error());
  return keys;
}

int key_command(const Flags& flags) {
  const auto keys = keys_of(flags);
  if (!keys) {
    say_error(keys.error().detail);
    return kExitError;
  }
  std::fputs(jwks_of(*keys, flags.public_of.empty()).c_str(), stdout);
  return kExitOk;
}

}  // namespace

void add_key(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("key", "Make keys for tokens");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("--alg", flags->algorithm, "What the key is for")
      ->check(CLI::IsMember({"HS256", "RS256", "ES256", "EdDSA"}))
      ->capture_default_str();
  command->add_option("--id", flags->id, "What tokens call the key: their \"kid\"")
      ->check(kIdValidator)
      ->capture_default_str();
  command
      ->add_option("--public-of", flags->public_of, "Print the public keys of this key set instead")
      ->type_name("FILE");
  command->callback([flags, &action] { action = [flags] { return key_command(*flags); }; });
}

}  // namespace playhead
