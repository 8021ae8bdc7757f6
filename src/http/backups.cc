// Backups, for operators: making one, listing them. Where they go is the server's to know.
#include "http/handlers.h"
#include "http/problem.h"
#include "http/worker.h"
#include "service/backup.h"

namespace playhead {
namespace {

void write_backup(JsonOut& json, const Backup& backup) {
  json.open('{')
      .field("id", backup.id)
      .field("at", backup.at)
      .field("bytes", backup.bytes)
      .field("files", backup.files)
      .close('}');
}

}  // namespace

Task<Reply> make_backup(Request request) {
  const auto made = co_await request.worker->shared().parts.backups->make();
  if (!made) co_return problem(made.error());
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  write_backup(json, *made);
  co_return reply;
}

Task<Reply> list_backups(Request request) {
  Worker& worker = *request.worker;
  const Instant as_of = worker.clock().now();
  const auto backups = co_await worker.shared().parts.backups->list();
  if (!backups) co_return problem(backups.error());
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{').key("items").open('[');
  for (const Backup& backup : *backups) write_backup(json, backup);
  json.close(']').key("next").null().field("as_of", as_of).field("stale", false).close('}');
  co_return reply;
}

}  // namespace playhead
