// Viewers' events as server-sent events: snapshot, view, end. One stream each; one thread.
// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "auth/caller.h"
#include "shard/channel.h"

namespace playhead {

struct Shared;

class EventWriter {
 public:
  EventWriter(Shared& shared, std::shared_ptr<const Caller> caller)
      : shared_(shared), caller_(std::move(caller)) {}

  /// Appends one event, with the next id of this server.
  void write(std::string& out, const ViewersEvent& event);

 private:
  void remember(const ViewerItem& item);

  Shared& shared_;
  std::shared_ptr<const Caller> caller_;
  /// Devices of the views whose ids the caller may not see; as many as the account has active.
  std::unordered_map<std::string, std::string> devices_;
};

}  // namespace playhead
