// C ABI of the CQL driver: the Rust crate `scylla` behind a static library (drivers/cql).
//
// Operation: cql_connect and cql_prepare block; cql_execute, cql_batch and cql_query return at once
//   and answer by a callback. cql_close drains, and when it has returned no callback is
//   outstanding.
// Callbacks: exactly one for every call, whatever happens: also after an error, a panic of the
//   driver, a deadline or a close. It comes on a thread of the driver, or, for a call that is
//   refused (closed, overloaded, malformed), on the caller's before the call returns. It must not
//   throw, block, nor close the session. The result is the callback's own, to be given to
//   cql_result_free.
// Concurrency: every function from any thread, but for the *_free ones: nobody may use what is
// freed. Values: each is one byte of type (CQL_TEXT, …), a big-endian int32 length (-1: null) and
// so many
//   bytes as the native protocol has them; one that does not fit its column is refused. Cells of
//   results are the same without the type.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cql_session cql_session;
typedef struct cql_statement cql_statement;
typedef struct cql_result cql_result;

/// What a caller can do about a failure.
enum cql_error {
  CQL_OK = 0,
  CQL_INVALID = 1,      ///< the statement or its values can never succeed
  CQL_OVERLOADED = 2,   ///< in_flight_max calls are in flight, or the server says so
  CQL_TIMEOUT = 3,      ///< no answer by the deadline: a write may have happened, or still happen
  CQL_UNAVAILABLE = 4,  ///< no node, or too few replicas; a write may have happened in part
  CQL_CLOSED = 5,       ///< the session was closed before the answer
  CQL_INTERNAL = 6,     ///< a defect of the driver
};

enum cql_type {
  CQL_OTHER = 0,  ///< of results only
  CQL_TEXT = 1,
  CQL_BLOB = 2,
  CQL_BIGINT = 3,
  CQL_INT = 4,
  CQL_BOOLEAN = 5,
  CQL_TEXT_LIST = 6,
  CQL_BLOB_LIST = 7,
};

/// Consistency levels by their numbers in the protocol.
enum cql_consistency {
  CQL_ONE = 1,
  CQL_QUORUM = 4,
  CQL_ALL = 5,
  CQL_LOCAL_QUORUM = 6,
  CQL_SERIAL = 8,
  CQL_LOCAL_SERIAL = 9,
};

/// Texts are UTF-8 and end with a zero byte; null stands for absent where that is said.
typedef struct cql_config {
  const char* contacts;  ///< "host:port,host:port"
  const char* keyspace;  ///< or null
  const char* local_dc;  ///< the only data centre to talk to, or null: any
  const char* user;      ///< or null: no authentication
  const char* password;  ///< with user
  uint32_t threads;
  uint32_t connect_timeout_ms;
  uint32_t speculative_ms;  ///< a node that is silent for so long: another is asked too, if the
                            ///< statement is idempotent; 0: never
  uint32_t in_flight_max;
  uint32_t keepalive_ms;  ///< how often a connection is asked for a sign of life, and how long
                          ///< that may take before it is given up; 0: 30 s each
} cql_config;

typedef struct cql_statement_options {
  uint16_t consistency;         ///< a cql_consistency
  uint16_t serial_consistency;  ///< of conditional statements: CQL_SERIAL or CQL_LOCAL_SERIAL; 0:
                                ///< CQL_SERIAL
  uint32_t idempotent;          ///< 1: may be sent again after an error that leaves it open
  uint32_t page_rows;           ///< of a page of its result
} cql_statement_options;

/// A statement with its values. Borrowed during the call.
typedef struct cql_bound {
  const cql_statement* statement;
  const uint8_t* values;
  size_t values_size;
} cql_bound;

typedef void (*cql_done)(void* user, cql_result* result);

/// Blocks until connected. On an error returns null and sets *error to a text for cql_text_free.
cql_session* cql_connect(const cql_config* config, char** error);
/// Refuses new calls, waits up to `drain_ms` for those in flight, then answers the rest with
/// CQL_CLOSED. When it returns, no callback is outstanding. False, and nothing done: called from a
/// callback. Closing twice is harmless.
int cql_close(cql_session* session, uint32_t drain_ms);
/// Closes, if that has not been done, and frees.
void cql_session_free(cql_session* session);
/// How many calls have not had their callback yet.
size_t cql_in_flight(const cql_session* session);

/// Blocks until the statement is prepared. Returns a cql_error; *statement or *error is set.
int cql_prepare(const cql_session* session, const char* text, const cql_statement_options* options,
                uint32_t timeout_ms, cql_statement** statement, char** error);
/// One page of the result. `page` is what cql_result_page gave for the page before, or empty.
void cql_execute(const cql_session* session, const cql_bound* bound, const uint8_t* page,
                 size_t page_size, uint32_t timeout_ms, cql_done done, void* user);
/// Statements sent as one; with the consistency of the first. Not logged: whole only if all are of
/// one partition.
void cql_batch(const cql_session* session, const cql_bound* bound, size_t count,
               uint32_t timeout_ms, cql_done done, void* user);
/// A statement without values, not prepared: for what changes the schema.
void cql_query(const cql_session* session, const char* text, uint32_t timeout_ms, cql_done done,
               void* user);

int cql_result_code(const cql_result* result);           ///< a cql_error
const char* cql_result_error(const cql_result* result);  ///< null if the code is CQL_OK
size_t cql_result_rows(const cql_result* result);
size_t cql_result_columns(const cql_result* result);
int cql_result_column_type(const cql_result* result, size_t column);  ///< a cql_type
/// All cells, row by row.
const uint8_t* cql_result_cells(const cql_result* result, size_t* size);
/// Where the next page begins; empty if there is none.
const uint8_t* cql_result_page(const cql_result* result, size_t* size);

void cql_result_free(cql_result* result);
void cql_statement_free(cql_statement* statement);
void cql_text_free(char* text);

#ifdef __cplusplus
}
#endif
