// Asking, paging, showing.
#include "cli/query.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/app.h"
#include "cli/show.h"
#include "http/json_out.h"

namespace playhead {
namespace {

constexpr std::size_t kPageRows = 100;       // the most that a server gives
constexpr std::size_t kRowsMax = 1'000'000;  // of --limit
constexpr std::size_t kPagesMax = 100'000;   // of one list; filtered pages may be short

Result<HttpAnswer> get(Client& client, std::string target) {
  auto answer = client.send({.target = std::move(target)});
  if (!answer) return answer;
  if (answer->status != 200) return fail(Errc::kInvalidArgument, describe_problem(*answer));
  return answer;
}

Result<Listing> fetch(Client& client, std::string_view path, Parameters parameters,
                      std::size_t rows_max) {
  parameters.emplace_back("limit", std::to_string(std::min(rows_max, kPageRows)));
  parameters.emplace_back("cursor", "");
  Listing listing;
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    parameters.back().second = listing.next;
    Parameters given = parameters;
    if (listing.next.empty()) given.pop_back();
    const auto answer = get(client, target_of(path, given));
    if (!answer) return std::unexpected(answer.error());
    if (const auto added = add_page(listing, answer->body, rows_max); !added)
      return std::unexpected(added.error());
    if (listing.next.empty() || listing.items.size() >= rows_max) break;
  }
  return listing;
}

}  // namespace

void add_server_options(CLI::App& command, ServerFlags& flags) {
  command.add_option("--server", flags.url, "Where the server is")
      ->type_name("URL")
      ->capture_default_str()
      ->check([](const std::string& text) {
        const auto url = parse_server_url(text);
        return url ? std::string() : url.error().detail;
      });
  command
      .add_option("--token", flags.token,
                  "Token to show to the server; better set in the environment than here")
      ->type_name("TOKEN")
      ->envname("PLAYHEAD_TOKEN");
}

Result<Client> connect_to(const ServerFlags& flags, Client::Limits limits) {
  auto server = parse_server_url(flags.url);
  if (!server) return std::unexpected(server.error());
  return Client(*std::move(server), flags.token, limits);
}

std::string advise(const Error& error) {
  if (error.code != Errc::kUnavailable) return error.detail;
  return error.detail +
         "\nIs the server up? `playhead serve --data DIR` starts one; --server URL names another.";
}

void add_query_options(CLI::App& command, QueryFlags& flags) {
  command.add_option("--account", flags.account, "The account")->required()->check(kIdValidator);
  command.add_option("--limit", flags.rows_max, "Rows to show at most")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, kRowsMax));
  command.add_flag("--json", flags.json, "Print the server's JSON");
  add_server_options(command, flags.server);
}

void add_profile_option(CLI::App& command, QueryFlags& flags) {
  command.add_option("--profile", flags.profile, "The profile")->required()->check(kIdValidator);
}

std::string target_of(std::string_view path, const Parameters& parameters) {
  std::string target(path);
  char mark = '?';
  for (const auto& [name, value] : parameters) {
    (((target += mark) += name) += '=') += value;
    mark = '&';
  }
  return target;
}

std::string Item::text(std::string_view name) const {
  std::string_view value;
  return object_[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::optional<std::int64_t> Item::number(std::string_view name) const {
  std::int64_t value = 0;
  if (object_[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<Instant> Item::time(std::string_view name) const { return parse_rfc3339(text(name)); }

bool Item::flag(std::string_view name) const {
  bool value = false;
  return object_[name].get(value) == simdjson::SUCCESS && value;
}

std::string Item::json() const { return simdjson::minify(object_); }

Result<void> add_page(Listing& listing, std::string_view body, std::size_t rows_max) {
  const auto strange = [] {
    return fail(Errc::kCorrupt, "the answer is no list; is that a Playhead server?");
  };
  auto& parser = listing.parsers.emplace_back(std::make_unique<simdjson::dom::parser>());
  simdjson::dom::object page;
  simdjson::dom::array items;
  if (parser->parse(body).get(page) != simdjson::SUCCESS ||
      page["items"].get(items) != simdjson::SUCCESS)
    return strange();
  for (const simdjson::dom::element element : items) {
    simdjson::dom::object item;
    if (element.get(item) != simdjson::SUCCESS) return strange();
    if (listing.items.size() == rows_max) break;
    listing.items.emplace_back(item);
  }
  const Item whole(page);
  listing.next = whole.text("next");
  listing.as_of = whole.text("as_of");
  listing.stale |= whole.flag("stale");
  return {};
}

std::string listing_json(const Listing& listing) {
  std::string out = "{\"items\":[";
  for (const Item& item : listing.items) {
    if (out.back() == '}') out += ',';
    out += item.json();
  }
  out += ']';
  JsonOut(out)
      .text_or_null("next", listing.next)
      .field("as_of", listing.as_of)
      .field("stale", listing.stale)
      .close('}');
  return out += '\n';
}

std::string listing_text(const Listing& listing, const Look& look, Instant now) {
  std::string out;
  if (listing.items.empty()) {
    (out += look.empty) += '\n';
  } else {
    TextTable table(look.headings);
    for (const Item& item : listing.items) table.add(look.row(item, now));
    out = table.text();
  }
  if (!listing.next.empty()) out += "There is more: raise --limit.\n";
  if (listing.stale)
    out += "This may be out of date: it is how things were at " +
           show_time(parse_rfc3339(listing.as_of), now) + ".\n";
  return out;
}

int show_list(const QueryFlags& flags, std::string_view path, Parameters parameters,
              const Look& look) {
  auto client = connect_to(flags.server);
  const auto listing = client ? fetch(*client, path, std::move(parameters), flags.rows_max)
                              : Result<Listing>(std::unexpected(client.error()));
  if (!listing) {
    say_error(advise(listing.error()));
    return kExitError;
  }
  const std::string text =
      flags.json ? listing_json(*listing) : listing_text(*listing, look, now_by_clock());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kExitOk;
}

std::string account_path(const QueryFlags& flags, std::string_view rest) {
  return "/v1/accounts/" + flags.account + std::string(rest);
}

std::string profile_path(const QueryFlags& flags, std::string_view rest) {
  return "/v1/accounts/" + flags.account + "/profiles/" + flags.profile + std::string(rest);
}

Instant now_by_clock() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

}  // namespace playhead
