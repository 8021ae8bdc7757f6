//! Values as they cross the boundary: a type, a length, bytes; checked against the statement's columns.

use scylla::errors::SerializationError;
use scylla::frame::response::result::{CollectionType, ColumnType, NativeType};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

/// The `cql_type` of a column; 0 for those that the boundary does not know.
pub fn type_code(column: &ColumnType) -> i32 {
    match column {
        ColumnType::Native(NativeType::Text | NativeType::Ascii) => 1,
        ColumnType::Native(NativeType::Blob) => 2,
        ColumnType::Native(NativeType::BigInt) => 3,
        ColumnType::Native(NativeType::Int) => 4,
        ColumnType::Native(NativeType::Boolean) => 5,
        ColumnType::Collection { typ: CollectionType::List(element), .. }
            if matches!(**element, ColumnType::Native(NativeType::Text)) =>
        {
            6
        }
        ColumnType::Collection { typ: CollectionType::List(element), .. }
            if matches!(**element, ColumnType::Native(NativeType::Blob)) =>
        {
            7
        }
        _ => 0,
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// A value: its type, and its bytes unless it is null.
type Value<'a> = (i32, Option<&'a [u8]>);

/// Takes one value off the front of `bytes`.
fn take<'a>(bytes: &mut &'a [u8]) -> Result<Value<'a>, Malformed> {
    let cut = || Malformed("a value is cut short".to_string());
    let (head, rest) = bytes.split_first_chunk::<5>().ok_or_else(cut)?;
    let size = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let kind = i32::from(head[0]);
    if size == -1 {
        *bytes = rest;
        return Ok((kind, None));
    }
    let size = usize::try_from(size).map_err(|_| cut())?;
    let (value, rest) = rest.split_at_checked(size).ok_or_else(cut)?;
    *bytes = rest;
    Ok((kind, Some(value)))
}

/// The values of one execution.
pub struct Values(pub Vec<u8>);

impl SerializeRow for Values {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        row: &mut RowWriter,
    ) -> Result<(), SerializationError> {
        let refuse = |text: String| SerializationError::new(Malformed(text));
        let mut rest = &self.0[..];
        for column in context.columns() {
            let (kind, value) = take(&mut rest).map_err(SerializationError::new)?;
            if kind == 0 || kind != type_code(column.typ()) {
                return Err(refuse(format!("the value of column {} has another type", column.name())));
            }
            let cell = row.make_cell_writer();
            let _written = match value {
                None => cell.set_null(),
                Some(bytes) => cell.set_value(bytes).map_err(SerializationError::new)?,
            };
        }
        if !rest.is_empty() {
            return Err(refuse("there are more values than columns".to_string()));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: u8, size: i32, bytes: &[u8]) -> Vec<u8> {
        [&[kind][..], &size.to_be_bytes(), bytes].concat()
    }

    #[test]
    fn values_come_off_one_by_one() {
        let bytes = [value(1, 2, b"ab"), value(3, -1, b""), value(2, 0, b"")].concat();
        let mut rest = &bytes[..];
        assert_eq!(take(&mut rest), Ok((1, Some(&b"ab"[..]))));
        assert_eq!(take(&mut rest), Ok((3, None)));
        assert_eq!(take(&mut rest), Ok((2, Some(&b""[..]))));
        assert!(rest.is_empty());
    }

    #[test]
    fn malformed_values_are_refused() {
        for bytes in [vec![1, 0, 0], value(1, 3, b"ab"), value(1, -2, b""), value(1, i32::MAX, b"a")] {
            assert!(take(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
