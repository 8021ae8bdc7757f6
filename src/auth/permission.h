// What a caller may do. Each route is declared with one of these; a route without does not compile.
#pragma once

#include <cstdint>

namespace playhead {

enum class Permission : std::uint8_t {
  kPublic,        ///< nothing is shown that belongs to anybody
  kReport,        ///< say what a player does
  kReadViewers,   ///< see who is watching on an account
  kTerminate,     ///< end views of an account
  kReadProfile,   ///< see a profile's progress and history
  kWriteProfile,  ///< change a profile's progress
  kDelete,        ///< delete from a profile's history
  kOperate,       ///< see the cluster and its figures
  kErase,         ///< erase a profile or an account, for good
  kExport,        ///< take out all that is held on an account
  kImport,        ///< bring in what others hold on an account
  kImportAll,     ///< the same for any account of the tenant
};

using Permissions = std::uint32_t;

constexpr Permissions bit(Permission permission) {
  return Permissions{1} << static_cast<unsigned>(permission);
}

/// Everything but the operator's: a service's.
inline constexpr Permissions kMemberPermissions =
    bit(Permission::kReport) | bit(Permission::kReadViewers) | bit(Permission::kTerminate) |
    bit(Permission::kReadProfile) | bit(Permission::kWriteProfile) | bit(Permission::kDelete) |
    bit(Permission::kErase) | bit(Permission::kExport) | bit(Permission::kImport) |
    bit(Permission::kImportAll);

/// What a viewer's token must allow by name.
inline constexpr Permissions kDeletingPermissions =
    bit(Permission::kDelete) | bit(Permission::kErase);
/// A viewer's, unless its token allows deleting.
inline constexpr Permissions kViewerPermissions =
    kMemberPermissions & ~kDeletingPermissions & ~bit(Permission::kImportAll);

inline constexpr Permissions kAllPermissions = kMemberPermissions | bit(Permission::kOperate);

}  // namespace playhead
