// The table of routes: what each takes, gives, needs and may be asked by. A route without a
// permission, or with one that does not guard what its path names, does not compile. Matching is
// pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "auth/permission.h"
#include "http/guard.h"
#include "http/listener.h"
#include "http/media.h"
#include "http/request.h"

namespace playhead {

/// Reports are no ordinary requests: they are submitted as they are parsed, and awaited in bulk.
enum class Feed : std::uint8_t { kNone, kReports, kCmcd };

/// Where a route is served if there is a listener for operators.
enum class Place : std::uint8_t { kPublic, kOperators, kBoth };

/// What bodies a route takes, by BodyType.
enum class Takes : std::uint8_t { kNothing, kJson, kReports, kCmcd, kRecords };

/// What a route answers with.
enum class Gives : std::uint8_t { kAnything, kJson, kJsonOrCsv, kExport, kEvents };

/// Does `permission` guard what `pattern` names? What belongs to somebody is never public, a
/// profile is somebody's, and what asks for a profile's things names the profile.
constexpr bool is_guarded(std::string_view pattern, Permission permission) {
  const bool of_account = pattern.find("{a}") != std::string_view::npos;
  const bool of_profile = pattern.find("{p}") != std::string_view::npos;
  switch (permission) {
    case Permission::kPublic:
      return !of_account && !of_profile && !pattern.starts_with("/v1/");
    case Permission::kReport:  // which names them in its body, too
      return !of_profile || of_account;
    case Permission::kReadViewers:
    case Permission::kTerminate:
      return of_account && !of_profile;
    case Permission::kReadProfile:
    case Permission::kWriteProfile:
    case Permission::kDelete:
      return of_account && of_profile;
    case Permission::kErase:
      return of_account;
    case Permission::kExport:
    case Permission::kImport:
      return of_account && !of_profile;
    case Permission::kOperate:
    case Permission::kImportAll:  // which names them in its body
      return !of_account && !of_profile;
  }
  return false;
}

struct Route {
  Method method;
  std::string_view pattern;  ///< segments; {a}, {p} and {x} stand for account, profile and name
  Permission permission;
  Place place;
  Takes takes;
  Gives gives;
  Handler handler;
  Feed feed = Feed::kNone;
  bool needs_shards = true;  ///< 503 until the journal has been read

  consteval Route(Method m, std::string_view p, Permission needed, Place where, Takes in, Gives out,
                  Handler h, bool shards = true)
      : method(m),
        pattern(p),
        permission(needed),
        place(where),
        takes(in),
        gives(out),
        handler(h),
        needs_shards(shards) {
    guard();
  }
  consteval Route(Method m, std::string_view p, Permission needed, Takes in, Feed f)
      : method(m),
        pattern(p),
        permission(needed),
        place(Place::kPublic),
        takes(in),
        gives(Gives::kAnything),
        handler(nullptr),
        feed(f) {
    guard();
  }

  /// Where no header can be set, the token may stand in the query: beacons, CMCD targets, and
  /// browsers' EventSource.
  constexpr bool takes_token_in_query() const {
    return feed != Feed::kNone || gives == Gives::kEvents;
  }

 private:
  /// What is thrown in a constant expression does not compile.
  consteval void guard() const {
    if (!is_guarded(pattern, permission)) throw "the permission does not guard the path";
  }
};

std::span<const Route> routes();

/// A path laid over the table. `methods`: bits of Method that the path has; 0: there is no such
/// path. Segments are still encoded.
struct Match {
  const Route* route = nullptr;
  unsigned methods = 0;
  std::string_view account, profile, name;
};

/// `path`: without the query. HEAD finds GET's route.
Match match(Method method, std::string_view path, Listener listener);

/// "GET, HEAD, OPTIONS" for the methods of a Match.
std::string_view allow_header(unsigned methods);

bool takes(Takes takes, BodyType type);

}  // namespace playhead
