// The one place that decides who may do what.
#include "auth/caller.h"

namespace playhead {

Verdict allow(const Caller& caller, Permission permission, std::string_view account,
              std::string_view profile) {
  if (permission == Permission::kPublic) return Verdict::kAllowed;
  if ((caller.permissions & bit(permission)) == 0) return Verdict::kForbidden;
  if (caller.account && !account.empty() && account != *caller.account) return Verdict::kHidden;
  // Who is one profile of an account can't erase the others'.
  if (permission == Permission::kErase && caller.profile && profile.empty())
    return Verdict::kForbidden;
  // Who is one profile of an account sees and makes up nothing of the others'.
  const bool whole = permission == Permission::kExport || permission == Permission::kImport ||
                     permission == Permission::kImportAll;
  if (whole && caller.profile) return Verdict::kForbidden;
  if (permission == Permission::kImportAll && caller.account) return Verdict::kForbidden;
  if (caller.profile && !profile.empty() && profile != *caller.profile) return Verdict::kHidden;
  return Verdict::kAllowed;
}

bool sees_redacted(const Caller& caller, std::string_view profile) {
  return caller.profile && profile != *caller.profile;
}

}  // namespace playhead
