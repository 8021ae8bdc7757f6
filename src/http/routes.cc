// The table itself, and its reader.
#include "http/routes.h"

#include <string>

#include "http/handlers.h"

namespace playhead {
namespace {

using enum Permission;

constexpr std::array kRoutes = {
    Route(Method::kPost, "/v1/reports", kReport, Takes::kReports, Feed::kReports),
    Route(Method::kPost, "/v1/cmcd", kReport, Takes::kCmcd, Feed::kCmcd),

    Route(Method::kPut, "/v1/accounts/{a}/views/{x}", kReport, Place::kPublic, Takes::kJson,
          Gives::kJson, put_view),
    Route(Method::kGet, "/v1/accounts/{a}/views/{x}", kReadViewers, Place::kPublic, Takes::kNothing,
          Gives::kJson, get_view),
    Route(Method::kPost, "/v1/accounts/{a}/views/{x}/terminate", kTerminate, Place::kPublic,
          Takes::kJson, Gives::kAnything, terminate_view),
    Route(Method::kGet, "/v1/accounts/{a}/viewers", kReadViewers, Place::kPublic, Takes::kNothing,
          Gives::kJson, get_viewers),
    Route(Method::kGet, "/v1/accounts/{a}/viewers/stream", kReadViewers, Place::kPublic,
          Takes::kNothing, Gives::kEvents, stream_viewers),
    Route(Method::kGet, "/v1/accounts/{a}/profiles", kReadViewers, Place::kPublic, Takes::kNothing,
          Gives::kJson, get_profiles),

    Route(Method::kGet, "/v1/accounts/{a}/profiles/{p}/progress", kReadProfile, Place::kPublic,
          Takes::kNothing, Gives::kJson, list_progress),
    Route(Method::kPatch, "/v1/accounts/{a}/profiles/{p}/progress", kWriteProfile, Place::kPublic,
          Takes::kJson, Gives::kAnything, patch_progress),
    // Before {x}: a title named "query" is asked for by GET, so the two never meet.
    Route(Method::kPost, "/v1/accounts/{a}/profiles/{p}/progress/query", kReadProfile,
          Place::kPublic, Takes::kJson, Gives::kJson, query_progress),
    Route(Method::kGet, "/v1/accounts/{a}/profiles/{p}/progress/{x}", kReadProfile, Place::kPublic,
          Takes::kNothing, Gives::kJson, get_progress),
    Route(Method::kGet, "/v1/accounts/{a}/profiles/{p}/continue-watching", kReadProfile,
          Place::kPublic, Takes::kNothing, Gives::kJson, get_continue_watching),
    Route(Method::kGet, "/v1/accounts/{a}/profiles/{p}/history", kReadProfile, Place::kPublic,
          Takes::kNothing, Gives::kJsonOrCsv, get_history),
    Route(Method::kDelete, "/v1/accounts/{a}/profiles/{p}/history", kDelete, Place::kPublic,
          Takes::kNothing, Gives::kAnything, delete_history),
    Route(Method::kGet, "/v1/accounts/{a}/profiles/{p}/history/{x}", kReadProfile, Place::kPublic,
          Takes::kNothing, Gives::kJson, get_history_item),
    Route(Method::kDelete, "/v1/accounts/{a}/profiles/{p}/history/{x}", kDelete, Place::kPublic,
          Takes::kNothing, Gives::kAnything, delete_history_item),

    Route(Method::kDelete, "/v1/accounts/{a}", kErase, Place::kPublic, Takes::kNothing,
          Gives::kJson, delete_account),
    Route(Method::kDelete, "/v1/accounts/{a}/profiles/{p}", kErase, Place::kPublic, Takes::kNothing,
          Gives::kJson, delete_profile),

    Route(Method::kGet, "/v1/accounts/{a}/export", kExport, Place::kPublic, Takes::kNothing,
          Gives::kExport, get_export),
    Route(Method::kPost, "/v1/accounts/{a}/import", kImport, Place::kPublic, Takes::kRecords,
          Gives::kJson, import_account),
    Route(Method::kPost, "/v1/import", kImportAll, Place::kPublic, Takes::kRecords, Gives::kJson,
          import_accounts),

    Route(Method::kGet, "/v1/cluster", kOperate, Place::kOperators, Takes::kNothing, Gives::kJson,
          get_cluster),
    Route(Method::kPost, "/v1/backups", kOperate, Place::kOperators, Takes::kNothing, Gives::kJson,
          make_backup),
    Route(Method::kGet, "/v1/backups", kOperate, Place::kOperators, Takes::kNothing, Gives::kJson,
          list_backups),
    Route(Method::kGet, "/livez", kPublic, Place::kOperators, Takes::kNothing, Gives::kAnything,
          get_livez, false),
    Route(Method::kGet, "/readyz", kPublic, Place::kOperators, Takes::kNothing, Gives::kAnything,
          get_readyz, false),
    Route(Method::kGet, "/metrics", kOperate, Place::kOperators, Takes::kNothing, Gives::kAnything,
          get_metrics, false),
    Route(Method::kGet, "/docs", kPublic, Place::kOperators, Takes::kNothing, Gives::kAnything,
          get_docs, false),
    Route(Method::kGet, "/docs/{x}", kPublic, Place::kOperators, Takes::kNothing, Gives::kAnything,
          get_docs_file, false),
    Route(Method::kGet, "/openapi.yaml", kPublic, Place::kOperators, Takes::kNothing,
          Gives::kAnything, get_openapi, false),
    // Pages that show nothing of anybody: what they ask for is guarded where it is asked for. With
    // a listener for operators each door has the part of the console that it can answer.
    Route(Method::kGet, "/", kPublic, Place::kBoth, Takes::kNothing, Gives::kAnything, get_console,
          false),
    Route(Method::kGet, "/console/{x}", kPublic, Place::kBoth, Takes::kNothing, Gives::kAnything,
          get_console_file, false),
    Route(Method::kGet, "/demo/{x}", kPublic, Place::kPublic, Takes::kNothing, Gives::kAnything,
          get_demo_file, false),
    Route(Method::kGet, "/problems/{x}", kPublic, Place::kBoth, Takes::kNothing, Gives::kAnything,
          get_problem, false),
};

/// The first segment of `path`, which begins with a slash; `path` becomes the rest.
std::string_view segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view first = path.substr(0, path.find('/'));
  path.remove_prefix(first.size());
  return first;
}

bool fits(std::string_view pattern, std::string_view path, Match& match) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = segment(pattern);
    const std::string_view given = segment(path);
    if (wanted == "{a}")
      match.account = given;
    else if (wanted == "{p}")
      match.profile = given;
    else if (wanted == "{x}")
      match.name = given;
    else if (wanted != given)
      return false;
  }
  return pattern.empty() && path.empty();
}

bool serves(Listener listener, Place place) {
  switch (listener) {
    case Listener::kEverything:
      return true;
    case Listener::kPublic:
      return place != Place::kOperators;
    case Listener::kOperators:
      return place != Place::kPublic;
  }
  return false;
}

constexpr unsigned bit(Method method) { return 1u << static_cast<unsigned>(method); }

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Match match(Method method, std::string_view path, Listener listener) {
  Match found;
  // Nearly all requests are reports.
  if (method == Method::kPost && path == kRoutes[0].pattern && listener != Listener::kOperators)
    return {.route = &kRoutes[0], .methods = bit(Method::kPost)};
  const Method wanted = method == Method::kHead ? Method::kGet : method;
  for (const Route& route : kRoutes) {
    if (!serves(listener, route.place)) continue;
    Match here;
    if (!fits(route.pattern, path, here)) continue;
    found.methods |= bit(route.method);
    if (route.method == Method::kGet && route.gives != Gives::kEvents)
      found.methods |= bit(Method::kHead);
    if (route.method != wanted || found.route != nullptr) continue;
    if (method == Method::kHead && route.gives == Gives::kEvents) continue;
    found.route = &route;
    found.account = here.account;
    found.profile = here.profile;
    found.name = here.name;
  }
  return found;
}

std::string_view allow_header(unsigned methods) {
  // Every set of methods once, made at the first call.
  static const auto kTexts = [] {
    std::array<std::string, 128> texts;
    for (unsigned set = 0; set < texts.size(); ++set) {
      for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut,
                                  Method::kPatch, Method::kDelete})
        if (set & bit(method)) (texts[set] += name_of(method)) += ", ";
      texts[set] += "OPTIONS";
    }
    return texts;
  }();
  return kTexts[methods & 127];
}

bool takes(Takes takes, BodyType type) {
  switch (takes) {
    case Takes::kNothing:
      return true;  // it is not looked at
    case Takes::kJson:
      return type == BodyType::kJson || type == BodyType::kNone;
    case Takes::kReports:
      return type == BodyType::kJson || type == BodyType::kNone || type == BodyType::kNdjson ||
             type == BodyType::kText;
    case Takes::kRecords:
      return type == BodyType::kNdjson || type == BodyType::kJson || type == BodyType::kNone;
    case Takes::kCmcd:
      return type == BodyType::kCmcd || type == BodyType::kText || type == BodyType::kNone;
  }
  return false;
}

}  // namespace playhead
