//! Records as TensorFlow frames them: length, its checksum, the bytes, their checksum. The sums are
//! CRC-32C, turned and shifted, "masked", since a checksum over bytes that hold checksums is weak.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crc::{CRC_32_ISCSI, Crc};
use prost::Message as _;

use super::message::Proto;
use crate::error::{Error, Result};
use crate::run::write;

const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Longer is no record of ours, and would be held in memory.
const LONGEST: u64 = 1 << 30;

fn masked(bytes: &[u8]) -> [u8; 4] {
    let sum = CASTAGNOLI.checksum(bytes);
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The bytes as a record.
pub(super) fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked(&length));
    record.extend(bytes);
    record.extend(masked(bytes));
    record
}

/// What an event file holds, in a reader's terms.
#[derive(Debug, Default)]
pub struct Records {
    /// Scalars: tag, step, value; in the order of the file.
    pub scalars: Vec<(String, u64, f32)>,
    /// Pictures: tag, step, PNG file.
    pub images: Vec<(String, u64, Vec<u8>)>,
    /// Texts by tag.
    pub texts: Vec<(String, String)>,
    /// The steps from which on training began anew.
    pub restarts: Vec<u64>,
    /// Bytes after the last whole record.
    pub rest: usize,
}

/// Reads an event file back. A record that is cut short at the end is counted in
/// [`Records::rest`]; a checksum that is wrong is an error.
pub fn read(path: &Path) -> Result<Records> {
    let file = File::open(path).map_err(|error| write::failed("read", path, &error))?;
    let mut reader = BufReader::new(file);
    let mut records = Records::default();
    loop {
        match next(&mut reader) {
            Ok(Next::Record(bytes)) => {
                let event =
                    Proto::decode(&*bytes).map_err(|error| damaged(path, &error.to_string()))?;
                records.take(event);
            }
            Ok(Next::End(rest)) => {
                records.rest = rest;
                return Ok(records);
            }
            Ok(Next::Damaged(what)) => return Err(damaged(path, what)),
            Err(error) => return Err(write::failed("read", path, &error)),
        }
    }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::failed(format!("'{}' is no whole event file: {what}", path.display()))
}

enum Next {
    Record(Vec<u8>),
    End(usize),
    Damaged(&'static str),
}

fn next(reader: &mut impl Read) -> std::io::Result<Next> {
    let mut head = Vec::new();
    reader.take(12).read_to_end(&mut head)?;
    let Some((length, sum)) = head.split_first_chunk::<8>().filter(|(_, sum)| sum.len() == 4)
    else {
        return Ok(Next::End(head.len()));
    };
    if masked(length) != *sum {
        return Ok(Next::Damaged("the checksum of a length is wrong"));
    }
    let length = u64::from_le_bytes(*length);
    if length > LONGEST {
        return Ok(Next::Damaged("a record is longer than any"));
    }
    let mut bytes = Vec::new();
    reader.take(length + 4).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length + 4 {
        return Ok(Next::End(head.len() + bytes.len()));
    }
    let sum = bytes.split_off(length as usize);
    let is_whole = masked(&bytes) == *sum;
    Ok(if is_whole { Next::Record(bytes) } else { Next::Damaged("a checksum is wrong") })
}

impl Records {
    fn take(&mut self, event: Proto) {
        let step = event.step.max(0) as u64;
        self.restarts.extend(event.session_log.map(|_| step));
        for value in event.summary.into_iter().flat_map(|summary| summary.value) {
            if let Some(scalar) = value.simple_value {
                self.scalars.push((value.tag, step, scalar));
            } else if let Some(image) = value.image {
                self.images.push((value.tag, step, image.encoded_image_string));
            } else if let Some(tensor) = value.tensor {
                let text = String::from_utf8_lossy(&tensor.string_val.concat()).into_owned();
                self.texts.push((value.tag, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_tensorflows() {
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
        // The head of every event file's first record of 24 bytes, as TensorBoard writes it.
        assert_eq!(framed(&[0; 24])[..12], [24, 0, 0, 0, 0, 0, 0, 0, 163, 127, 75, 34]);
    }

    #[test]
    fn a_record_cut_short_is_the_end_and_a_changed_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let one = framed(&Proto { step: 7, ..Proto::default() }.encode_to_vec());
        for cut in 1..one.len() {
            let bytes = [&one[..], &one[..cut]].concat();
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap().rest, cut, "cut after {cut}");
        }
        for at in 0..one.len() {
            let mut bytes = one.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(read(&path).is_err(), "byte {at} changed");
        }
    }
}
