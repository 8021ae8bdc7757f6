// `playhead schema`: the tables that a cluster needs in Cassandra, as text or applied to a ring.
// Only in builds with PLAYHEAD_CASSANDRA.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "cli/app.h"
#include "cli/cassandra/first_line.h"
#include "store/cassandra/schema.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead schema print --replication 3
  playhead schema apply --contact 10.0.0.1:9042 --replication 3

Applying is safe to repeat: what is there stays as it is, also its replication.)";

struct Flags {
  SchemaOptions schema;
  CqlOptions cql;
  std::string password_file;
};

Result<void> apply(const Flags& flags) {
  // What is wrong with the line is said before anybody is asked.
  if (const auto text = schema_text(flags.schema); !text) return std::unexpected(text.error());
  CqlOptions options = flags.cql;
  if (!flags.password_file.empty()) {
    auto password = first_line(flags.password_file, "no password");
    if (!password) return std::unexpected(std::move(password.error()));
    options.password = std::move(*password);
  }
  auto session = CqlSession::open(options);
  if (!session) return std::unexpected(std::move(session.error()));
  boost::asio::io_context context;
  Result<void> result;
  boost::asio::co_spawn(context, apply_schema(**session, flags.schema),
                        [&](const std::exception_ptr& error, Result<void> applied) {
                          if (error) std::rethrow_exception(error);
                          result = std::move(applied);
                        });
  context.run();
  return result;
}

int report(const Result<void>& result) {
  if (result) return kExitOk;
  say_error(result.error().detail);
  return kExitError;
}

int print_command(const Flags& flags) {
  const auto text = schema_text(flags.schema);
  if (!text) return report(std::unexpected(text.error()));
  std::fputs(text->c_str(), stdout);
  return kExitOk;
}

int apply_command(const Flags& flags) {
  const auto applied = apply(flags);
  if (applied)
    std::printf("the keyspace '%s' has the tables of format %d\n", flags.schema.keyspace.c_str(),
                kSchemaFormat);
  return report(applied);
}

void add_common(CLI::App& command, Flags& flags) {
  command.add_option("--keyspace", flags.schema.keyspace, "The keyspace that holds the tables")
      ->capture_default_str();
  command
      .add_option("--replication", flags.schema.replication,
                  "Copies of each row in each data centre; 3 survive the loss of one node")
      ->check(CLI::Range(1U, kReplicationMax))
      ->capture_default_str();
}

}  // namespace

void add_schema(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("schema", "Make the tables of a cluster in Cassandra");
  command->require_subcommand(1);
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  CLI::App* print = command->add_subcommand("print", "Print them as CQL");
  add_common(*print, *flags);
  print->callback([flags, &action] { action = [flags] { return print_command(*flags); }; });
  CLI::App* apply = command->add_subcommand("apply", "Make them in a ring");
  apply
      ->add_option("--contact", flags->cql.contacts,
                   "A node of the ring, or several with commas between")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  add_common(*apply, *flags);
  CLI::Option* user =
      apply->add_option("--user", flags->cql.user, "Log in to Cassandra as this user");
  apply->add_option("--password-file", flags->password_file, "Its first line is the password")
      ->type_name("FILE")
      ->needs(user);
  apply->callback([flags, &action] { action = [flags] { return apply_command(*flags); }; });
}

}  // namespace playhead
