//! What a call came to: rows as flat bytes, or an error with what a caller can do about it.

use std::ffi::CString;
use std::fmt::Display;

use scylla::deserialize::row::ColumnIterator;
use scylla::errors::{DbError, ExecutionError, PrepareError, RequestAttemptError};
use scylla::response::PagingStateResponse;
use scylla::response::query_result::QueryResult;

use crate::values::type_code;

/// The numbers are those of `cql_error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    #[default]
    Ok = 0,
    Invalid = 1,
    Overloaded = 2,
    Timeout = 3,
    Unavailable = 4,
    Closed = 5,
    Internal = 6,
}

#[derive(Default)]
pub struct Outcome {
    pub code: Code,
    pub error: Option<CString>,
    pub types: Vec<i32>,
    pub rows: usize,
    pub cells: Vec<u8>,
    pub page: Vec<u8>,
}

/// A text for C, which ends at a zero byte.
pub fn c_text(text: impl Display) -> CString {
    let mut bytes = text.to_string().into_bytes();
    bytes.retain(|byte| *byte != 0);
    CString::new(bytes).unwrap_or_default()
}

impl Outcome {
    pub fn error(code: Code, text: impl Display) -> Outcome {
        Outcome { code, error: Some(c_text(text)), ..Outcome::default() }
    }

    pub fn of_rows(result: QueryResult, more: PagingStateResponse) -> Outcome {
        flatten(result, more).unwrap_or_else(|error| {
            Outcome::error(Code::Internal, format!("the result can't be read: {error}"))
        })
    }
}

fn flatten(result: QueryResult, more: PagingStateResponse) -> Result<Outcome, Box<dyn std::error::Error>> {
    let mut out = Outcome::default();
    if let PagingStateResponse::HasMorePages { state } = more {
        out.page = state.as_bytes_slice().map(|bytes| bytes.to_vec()).unwrap_or_default();
    }
    if !result.is_rows() {
        return Ok(out);
    }
    let rows = result.into_rows_result()?;
    out.types = rows.column_specs().iter().map(|column| type_code(column.typ())).collect();
    out.rows = rows.rows_num();
    out.cells.reserve(rows.rows_bytes_size());
    for row in rows.rows::<ColumnIterator>()? {
        for cell in row? {
            match cell?.slice {
                None => out.cells.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(slice) => {
                    out.cells.extend_from_slice(&(slice.as_slice().len() as i32).to_be_bytes());
                    out.cells.extend_from_slice(slice.as_slice());
                }
            }
        }
    }
    Ok(out)
}

impl From<ExecutionError> for Outcome {
    fn from(error: ExecutionError) -> Outcome {
        let code = match &error {
            ExecutionError::BadQuery(_) => Code::Invalid,
            ExecutionError::RequestTimeout(_) => Code::Timeout,
            ExecutionError::LastAttemptError(attempt) => attempt_code(attempt),
            ExecutionError::PrepareError(prepare) => prepare_code(prepare),
            _ => Code::Unavailable,
        };
        Outcome::error(code, error)
    }
}

impl From<PrepareError> for Outcome {
    fn from(error: PrepareError) -> Outcome {
        Outcome::error(prepare_code(&error), error)
    }
}

fn prepare_code(error: &PrepareError) -> Code {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => attempt_code(first_attempt),
        _ => Code::Unavailable,
    }
}

fn attempt_code(error: &RequestAttemptError) -> Code {
    match error {
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            Code::Invalid
        }
        RequestAttemptError::UnableToAllocStreamId => Code::Overloaded,
        RequestAttemptError::DbError(error, _) => match error {
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::AlreadyExists { .. }
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError => Code::Invalid,
            DbError::Overloaded => Code::Overloaded,
            DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => Code::Timeout,
            _ => Code::Unavailable,
        },
        _ => Code::Unavailable,
    }
}
