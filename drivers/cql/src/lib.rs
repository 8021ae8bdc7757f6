//! The CQL driver behind a C ABI; include/playhead_cql.h is its contract. Here pointers become values;
//! a panic never leaves.
#![allow(clippy::missing_safety_doc)] // the header says what callers must keep to

mod call;
mod outcome;
mod session;
mod values;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use scylla::statement::{Consistency, SerialConsistency};

use call::{Call, Callback, Done};
use outcome::{Code, Outcome, c_text};
use session::{Config, Session, Statement, StatementOptions};
use values::Values;

#[repr(C)]
pub struct CqlConfig {
    contacts: *const c_char,
    keyspace: *const c_char,
    local_dc: *const c_char,
    user: *const c_char,
    password: *const c_char,
    threads: u32,
    connect_timeout_ms: u32,
    speculative_ms: u32,
    in_flight_max: u32,
    keepalive_ms: u32,
}

#[repr(C)]
pub struct CqlStatementOptions {
    consistency: u16,
    serial_consistency: u16,
    idempotent: u32,
    page_rows: u32,
}

#[repr(C)]
pub struct CqlBound {
    statement: *const Statement,
    values: *const u8,
    values_size: usize,
}

fn millis(span: u32) -> Duration {
    Duration::from_millis(u64::from(span))
}

unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

unsafe fn bytes(pointer: *const u8, size: usize) -> Vec<u8> {
    if size == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(pointer, size) }.to_vec() }
}

/// Runs `work`; a panic becomes an outcome.
fn guarded<T>(work: impl FnOnce() -> Result<T, Outcome>) -> Result<T, Outcome> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Outcome::error(Code::Internal, "the driver failed; its standard error says how"))
    })
}

unsafe fn refuse(error: *mut *mut c_char, failed: Outcome) -> Code {
    let text = failed.error.unwrap_or_else(|| c_text("unknown"));
    unsafe { *error = text.into_raw() };
    failed.code
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_connect(config: &CqlConfig, error: *mut *mut c_char) -> *mut Session {
    let connected = guarded(|| {
        let credentials = unsafe { text(config.user) }
            .map(|user| (user, unsafe { text(config.password) }.unwrap_or_default()));
        Session::connect(Config {
            contacts: unsafe { text(config.contacts) }.unwrap_or_default(),
            keyspace: unsafe { text(config.keyspace) },
            local_dc: unsafe { text(config.local_dc) },
            credentials,
            threads: config.threads as usize,
            connect_timeout: millis(config.connect_timeout_ms),
            speculative_after: millis(config.speculative_ms),
            in_flight_max: config.in_flight_max as usize,
            keepalive: millis(config.keepalive_ms),
        })
    });
    match connected {
        Ok(session) => Box::into_raw(Box::new(session)),
        Err(failed) => {
            unsafe { refuse(error, failed) };
            std::ptr::null_mut()
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_close(session: &Session, drain_ms: u32) -> c_int {
    c_int::from(guarded(|| Ok(session.close(millis(drain_ms)))).unwrap_or(false))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_session_free(session: *mut Session) {
    let _ = guarded(|| {
        drop(unsafe { Box::from_raw(session) });
        Ok(())
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_in_flight(session: &Session) -> usize {
    session.in_flight()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_prepare(
    session: &Session,
    statement_text: *const c_char,
    options: &CqlStatementOptions,
    timeout_ms: u32,
    statement: *mut *mut Statement,
    error: *mut *mut c_char,
) -> c_int {
    let prepared = guarded(|| {
        let unknown = || Outcome::error(Code::Invalid, "no such consistency level");
        let serial = match options.serial_consistency {
            0 => SerialConsistency::Serial,
            level => SerialConsistency::try_from(level as i16).map_err(|_| unknown())?,
        };
        let options = StatementOptions {
            consistency: Consistency::try_from(options.consistency).map_err(|_| unknown())?,
            serial_consistency: serial,
            idempotent: options.idempotent != 0,
            page_rows: i32::try_from(options.page_rows).unwrap_or(i32::MAX),
        };
        session.prepare(&unsafe { text(statement_text) }.unwrap_or_default(), &options, millis(timeout_ms))
    });
    match prepared {
        Ok(prepared) => {
            unsafe { *statement = Box::into_raw(Box::new(prepared)) };
            Code::Ok as c_int
        }
        Err(failed) => unsafe { refuse(error, failed) as c_int },
    }
}

/// Begins a call and does `work` with it. A panic drops the call, and that answers it.
fn calling(session: &Session, done: Done, user: *mut c_void, work: impl FnOnce(Call)) {
    let _ = guarded(|| {
        if let Some(call) = session.begin(Callback { done, user }) {
            work(call);
        }
        Ok(())
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_execute(
    session: &Session,
    bound: &CqlBound,
    page: *const u8,
    page_size: usize,
    timeout_ms: u32,
    done: Done,
    user: *mut c_void,
) {
    calling(session, done, user, |call| {
        let values = Values(unsafe { bytes(bound.values, bound.values_size) });
        let page = unsafe { bytes(page, page_size) };
        session.execute(call, unsafe { &*bound.statement }, values, page, millis(timeout_ms));
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_batch(
    session: &Session,
    bound: *const CqlBound,
    count: usize,
    timeout_ms: u32,
    done: Done,
    user: *mut c_void,
) {
    calling(session, done, user, |call| {
        let all = if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(bound, count) } };
        let all = all
            .iter()
            .map(|one| unsafe { (&*one.statement, Values(bytes(one.values, one.values_size))) })
            .collect();
        session.batch(call, all, millis(timeout_ms));
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_query(
    session: &Session,
    statement_text: *const c_char,
    timeout_ms: u32,
    done: Done,
    user: *mut c_void,
) {
    calling(session, done, user, |call| {
        session.query(call, unsafe { text(statement_text) }.unwrap_or_default(), millis(timeout_ms));
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_result_code(result: &Outcome) -> c_int {
    result.code as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_result_error(result: &Outcome) -> *const c_char {
    result.error.as_ref().map_or(std::ptr::null(), |error| error.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_result_rows(result: &Outcome) -> usize {
    result.rows
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_result_columns(result: &Outcome) -> usize {
    result.types.len()
}

#[unsafe(no_mangle)]
pub extern "C" fn cql_result_column_type(result: &Outcome, column: usize) -> c_int {
    result.types.get(column).copied().unwrap_or(0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_result_cells(result: &Outcome, size: *mut usize) -> *const u8 {
    unsafe { *size = result.cells.len() };
    result.cells.as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_result_page(result: &Outcome, size: *mut usize) -> *const u8 {
    unsafe { *size = result.page.len() };
    result.page.as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_result_free(result: *mut Outcome) {
    drop(unsafe { Box::from_raw(result) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_statement_free(statement: *mut Statement) {
    drop(unsafe { Box::from_raw(statement) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cql_text_free(text: *mut c_char) {
    drop(unsafe { CString::from_raw(text) });
}
