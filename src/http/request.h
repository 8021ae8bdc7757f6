// A request that has been matched, checked and decoded: what a handler works on. Borrowed texts
// live as long as the handler runs: its connection reads nothing meanwhile.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "auth/caller.h"
#include "http/listener.h"
#include "http/media.h"
#include "http/reply.h"
#include "http/url.h"
#include "runtime/task.h"
#include "store/store.h"

namespace playhead {

class Worker;

struct Request {
  Worker* worker = nullptr;
  std::shared_ptr<const Caller> caller;  ///< null where the permission is kPublic
  std::string account, profile;
  std::string name;  ///< the last id of the path: a view, a title, an entry of history, a file
  Query query;
  std::string_view body;
  BodyType body_type = BodyType::kNone;
  std::string_view accept;
  std::string_view range;                     ///< the header; empty: none
  Listener listener = Listener::kEverything;  ///< where it came in

  AccountRef account_ref() const { return {caller->tenant, account}; }
  ProfileRef profile_ref() const { return {caller->tenant, account, profile}; }
};

using Handler = Task<Reply> (*)(Request);

}  // namespace playhead
