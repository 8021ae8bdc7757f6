// People's rights over what is held on them: erasure, with a receipt.
#include "http/handlers.h"
#include "http/problem.h"
#include "http/worker.h"

namespace playhead {
namespace {

Task<Reply> erase(Worker& worker, AccountRef account, std::string profile) {
  auto receipt = co_await worker.service().erase(std::move(account), std::move(profile));
  if (!receipt) co_return problem(receipt.error());
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{')
      .field("mark", receipt->mark)
      .field("erased_at", receipt->erased_at)
      .field("gone_by", receipt->gone_by)
      .close('}');
  co_return reply;
}

}  // namespace

Task<Reply> delete_account(Request request) {
  co_return co_await erase(*request.worker, request.account_ref(), {});
}

Task<Reply> delete_profile(Request request) {
  co_return co_await erase(*request.worker, request.account_ref(), request.profile);
}

}  // namespace playhead
