// What the routes do, one function each. Each runs on the thread of its connection.
#pragma once

#include "http/request.h"

namespace playhead {

// views.cc
Task<Reply> put_view(Request request);
Task<Reply> get_view(Request request);
Task<Reply> terminate_view(Request request);
Task<Reply> get_viewers(Request request);
Task<Reply> stream_viewers(Request request);
Task<Reply> get_profiles(Request request);

// titles.cc
Task<Reply> get_progress(Request request);
Task<Reply> list_progress(Request request);
Task<Reply> query_progress(Request request);
Task<Reply> patch_progress(Request request);
Task<Reply> get_continue_watching(Request request);

// entries.cc
Task<Reply> get_history(Request request);
Task<Reply> get_history_item(Request request);
Task<Reply> delete_history(Request request);
Task<Reply> delete_history_item(Request request);

// rights.cc
Task<Reply> delete_account(Request request);
Task<Reply> delete_profile(Request request);

// transfer.cc
Task<Reply> get_export(Request request);
Task<Reply> import_account(Request request);
Task<Reply> import_accounts(Request request);

// backups.cc
Task<Reply> make_backup(Request request);
Task<Reply> list_backups(Request request);

// system.cc
Task<Reply> get_livez(Request request);
Task<Reply> get_readyz(Request request);
Task<Reply> get_problem(Request request);
Task<Reply> get_metrics(Request request);
Task<Reply> get_cluster(Request request);

// console.cc
Task<Reply> get_console(Request request);
Task<Reply> get_console_file(Request request);

// demo.cc
Task<Reply> get_demo_file(Request request);

// docs.cc
Task<Reply> get_docs(Request request);
Task<Reply> get_docs_file(Request request);
Task<Reply> get_openapi(Request request);

}  // namespace playhead
