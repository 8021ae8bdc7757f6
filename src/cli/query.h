// What the commands that ask a server share: their options, pages of a list, and how they are
// shown. One thread.
#pragma once

#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/client.h"

namespace playhead {

/// Which server, and how to prove who asks.
struct ServerFlags {
  std::string url = "http://127.0.0.1:8080";
  std::string token;
};
void add_server_options(CLI::App& command, ServerFlags& flags);
/// A client of it. Errors: invalid_argument.
Result<Client> connect_to(const ServerFlags& flags, Client::Limits limits = {});
/// What to say when the server can't be asked: the error, and what to do.
std::string advise(const Error& error);

/// What is asked for. `profile`, `titles`, `series` and `all` only where the command has them.
struct QueryFlags {
  ServerFlags server;
  std::string account, profile, series;
  std::vector<std::string> titles;
  bool all = false;
  bool json = false;
  std::size_t rows_max = 100;
};
void add_query_options(CLI::App& command, QueryFlags& flags);
void add_profile_option(CLI::App& command, QueryFlags& flags);

/// Query parameters by name; values are ids, which need no escapes.
using Parameters = std::vector<std::pair<std::string_view, std::string>>;
std::string target_of(std::string_view path, const Parameters& parameters);

/// One item of a list.
class Item {
 public:
  explicit Item(simdjson::dom::object object) : object_(object) {}

  /// Absent or null: nothing (or an empty text, or false).
  std::string text(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;
  std::optional<Instant> time(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::string json() const;

 private:
  simdjson::dom::object object_;
};

/// The items of a list's pages. They borrow from the parsers.
struct Listing {
  std::vector<std::unique_ptr<simdjson::dom::parser>> parsers;
  std::vector<Item> items;
  std::string next, as_of;  ///< of the last page
  bool stale = false;       ///< any page
};

/// Appends the page that `body` is, up to `rows_max` items in all. Errors: corrupt.
Result<void> add_page(Listing& listing, std::string_view body, std::size_t rows_max);
/// The listing as the one JSON document that a server would have sent, had it no pages.
std::string listing_json(const Listing& listing);

/// How a list looks as a table.
struct Look {
  std::vector<std::string> headings;
  std::vector<std::string> (*row)(const Item& item, Instant now) = nullptr;
  std::string_view empty;  ///< said instead of an empty table
};
/// The table, and what else is to be known: staleness, and that there is more.
std::string listing_text(const Listing& listing, const Look& look, Instant now);

/// Asks for the list, follows its pages up to `flags.rows_max`, and prints it. The exit code.
int show_list(const QueryFlags& flags, std::string_view path, Parameters parameters,
              const Look& look);

/// "/v1/accounts/A" or "/v1/accounts/A/profiles/P", and `rest`.
std::string account_path(const QueryFlags& flags, std::string_view rest);
std::string profile_path(const QueryFlags& flags, std::string_view rest);

/// The machine's time.
Instant now_by_clock();

}  // namespace playhead
