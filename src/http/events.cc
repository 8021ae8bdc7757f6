// Ids are "boot-n". Whoever comes back gets a snapshot, whatever the id it names: so it holds
// nothing that a stream would need, and only tells events apart.
#include "http/events.h"

#include "http/json_out.h"
#include "http/shapes.h"
#include "http/worker.h"

namespace playhead {

void EventWriter::remember(const ViewerItem& item) {
  if (sees_redacted(*caller_, item.profile)) devices_.insert_or_assign(item.view, item.device);
}

void EventWriter::write(std::string& out, const ViewersEvent& event) {
  static constexpr std::string_view kNames[] = {"snapshot", "view", "end"};
  ((out += "id: ") += std::to_string(shared_.parts.boot)) += '-';
  (out += std::to_string(shared_.events.fetch_add(1) + 1)) += "\nevent: ";
  (out += kNames[static_cast<std::size_t>(event.kind)]) += "\ndata: ";
  JsonOut json(out);
  switch (event.kind) {
    case ViewersEvent::Kind::kSnapshot:
      devices_.clear();
      json.open('{').key("items").open('[');
      for (const ViewerItem& item : event.items) {
        remember(item);
        write_viewer(json, item, *caller_);
      }
      json.close(']').field("as_of", event.at).close('}');
      break;
    case ViewersEvent::Kind::kView:
      remember(event.items.front());
      write_viewer(json, event.items.front(), *caller_);
      break;
    case ViewersEvent::Kind::kEnd:
      json.open('{');
      if (sees_redacted(*caller_, event.profile)) {
        const auto known = devices_.extract(event.view);
        json.text_or_null("device", known.empty() ? std::string() : known.mapped());
      } else {
        json.field("view", event.view);
      }
      json.field("end_reason", name_of(event.end_reason)).field("at", event.at).close('}');
      break;
  }
  out += "\n\n";
}

}  // namespace playhead
