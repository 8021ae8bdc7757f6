// The contract, api/openapi.yaml, and the routes are the same: what one has, the other has.
//
// The file is read line by line, by the indentation that it is written in: paths at 2, methods at
// 4, their fields at 6.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "http/problem.h"
#include "http/routes.h"

extern "C" {
extern const char playhead_embedded_openapi_begin[], playhead_embedded_openapi_end[];
}

namespace playhead {
namespace {

/// "GET /v1/accounts/{a}/viewers" -> "read_viewers"
using Operations = std::map<std::string, std::string>;

std::string_view name_of(Permission permission) {
  switch (permission) {
    case Permission::kPublic:
      return "public";
    case Permission::kReport:
      return "report";
    case Permission::kReadViewers:
      return "read_viewers";
    case Permission::kTerminate:
      return "terminate";
    case Permission::kReadProfile:
      return "read_profile";
    case Permission::kWriteProfile:
      return "write_profile";
    case Permission::kDelete:
      return "delete";
    case Permission::kErase:
      return "erase";
    case Permission::kExport:
      return "export";
    case Permission::kImport:
      return "import";
    case Permission::kImportAll:
      return "import_all";
    case Permission::kOperate:
      return "operate";
  }
  PLAYHEAD_ASSERT(false);
}

std::vector<std::string> contract_lines() {
  std::vector<std::string> lines(1);
  for (const char* c = playhead_embedded_openapi_begin; c != playhead_embedded_openapi_end; ++c) {
    if (*c == '\n')
      lines.emplace_back();
    else
      lines.back() += *c;
  }
  return lines;
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// The text before the colon.
std::string key_of(std::string_view line) {
  line.remove_prefix(indentation(line));
  return std::string(line.substr(0, line.find(':')));
}

/// A path of the contract as the table of routes writes it.
std::string pattern_of(std::string_view path) {
  std::string pattern;
  while (!path.empty()) {
    const std::size_t begin = path.find('{');
    pattern += path.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const std::size_t end = path.find('}');
    const std::string_view name = path.substr(begin + 1, end - begin - 1);
    pattern += name == "account" ? "{a}" : name == "profile" ? "{p}" : "{x}";
    path.remove_prefix(end + 1);
  }
  return pattern;
}

Operations contract_operations() {
  static const std::map<std::string, std::string> kMethods = {
      {"get", "GET"}, {"put", "PUT"}, {"post", "POST"}, {"patch", "PATCH"}, {"delete", "DELETE"},
  };
  Operations operations;
  std::string path, operation;
  bool inside = false;
  for (const std::string& line : contract_lines()) {
    if (line.empty() || indentation(line) == std::string::npos) continue;
    if (indentation(line) == 0) inside = line == "paths:";
    if (!inside) continue;
    const std::string key = key_of(line);
    if (indentation(line) == 2) path = pattern_of(key);
    if (indentation(line) == 4 && kMethods.contains(key)) {
      operation = kMethods.at(key) + " " + path;
      operations[operation] = "";
    }
    if (indentation(line) == 6 && key == "x-permission")
      operations[operation] = line.substr(line.find(": ") + 2);
  }
  return operations;
}

TEST(Contract, HasEveryRouteWithItsPermissionAndNoOther) {
  Operations of_routes;
  for (const Route& route : routes())
    of_routes[std::string(name_of(route.method)) + " " + std::string(route.pattern)] =
        name_of(route.permission);
  EXPECT_EQ(contract_operations(), of_routes);
}

TEST(Contract, DocumentsEveryTypeOfProblemAndNoOther) {
  // All types are the values of the {name} in /problems/{name}.
  std::set<std::string> listed, in_responses;
  bool in_path = false, in_enum = false;
  for (const std::string& line : contract_lines()) {
    if (!line.empty() && indentation(line) == 0) in_path = false;
    if (line.starts_with("  /")) in_path = line == "  /problems/{name}:";
    if (indentation(line) == 8) in_enum = false;
    if (in_path && in_enum && line.find("- ") != std::string::npos)
      listed.insert(line.substr(line.find("- ") + 2));
    if (in_path && key_of(line) == "enum") in_enum = true;
    static constexpr std::string_view kPrefix = "type: /problems/";
    if (const std::size_t at = line.find(kPrefix); at != std::string::npos)
      in_responses.insert(
          line.substr(at + kPrefix.size(), line.find_first_of(",}", at) - at - kPrefix.size()));
  }
  std::set<std::string> known;
  for (const ProblemType* type : all_problems()) known.emplace(type->name);
  EXPECT_EQ(listed, known);
  // No operation can be asked by a method that it has not, so no response of one shows that type.
  known.erase("method-not-allowed");
  EXPECT_EQ(in_responses, known) << "every type is shown by an example";
}

}  // namespace
}  // namespace playhead
