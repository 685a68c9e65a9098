//! Reads ZIP archives as `torch.save` writes them: entries stored as they are, with checksums.
//!
//! Nothing is copied: an entry is a part of the file's bytes. Sizes and places are believed only as
//! far as the file reaches.

use super::fault::Fault;

/// How a ZIP archive begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// One file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its path, with `/`.
    pub(super) name: &'a str,
    stored: bool,
    checksum: u32,
    size: usize,
    /// Where its local header begins.
    place: usize,
}

/// An archive's table of contents.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    pub(super) entries: Vec<Entry<'a>>,
}

const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END_SIZE: usize = 22;
/// The end may be followed by a comment as long as this.
const LONGEST_COMMENT: usize = 0xffff;

impl<'a> Archive<'a> {
    /// Reads the table of contents.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        // It stands at the end, so that a file that is cut short has none.
        let first = bytes.len().saturating_sub(END_SIZE + LONGEST_COMMENT);
        let tail = &bytes[first..];
        let end = tail.windows(END.len()).rposition(|window| window == END);
        let end = first + end.ok_or_else(Fault::cut_short)?;
        let comment = usize::from(chunk(bytes, end + 20).map_or(0, u16::from_le_bytes));
        if end + END_SIZE + comment > bytes.len() {
            return Err(Fault::cut_short());
        }
        let mut count = u64::from(u16_at(bytes, end + 10)?);
        let mut at = u64::from(u32_at(bytes, end + 16)?);
        if let Some(locator) = end.checked_sub(20).filter(|&at| bytes[at..].starts_with(LOCATOR_64))
        {
            let end_64 = place(u64_at(bytes, locator + 8)?)?;
            if !bytes.get(end_64..).is_some_and(|rest| rest.starts_with(END_64)) {
                return Err(broken());
            }
            count = u64_at(bytes, end_64 + 32)?;
            at = u64_at(bytes, end_64 + 48)?;
        }
        let mut at = place(at)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let (entry, next) = entry(bytes, at)?;
            entries.push(entry);
            at = next;
        }
        Ok(Self { bytes, entries })
    }

    /// An entry's bytes, after a look at their checksum.
    pub(super) fn read(&self, entry: &Entry<'a>) -> Result<&'a [u8], Fault> {
        if !entry.stored {
            return Err(Fault::unfit("it is a compressed ZIP archive, as PyTorch writes none"));
        }
        let local = self.bytes.get(entry.place..).filter(|rest| rest.starts_with(MAGIC));
        let local = local.ok_or_else(broken)?;
        let (name, extra) = (u16_at(local, 26)?, u16_at(local, 28)?);
        let begin = 30 + usize::from(name) + usize::from(extra);
        let data = local.get(begin..).and_then(|rest| rest.get(..entry.size));
        let data = data.ok_or_else(broken)?;
        let mut checksum = flate2::Crc::new();
        checksum.update(data);
        if checksum.sum() != entry.checksum {
            let name = crate::error::text::printable(entry.name);
            return Err(Fault::damaged(format!("the checksum of its '{name}' is wrong")));
        }
        Ok(data)
    }
}

/// The entry whose line of the table begins at `at`, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Result<(Entry<'_>, usize), Fault> {
    let line = bytes.get(at..).filter(|rest| rest.starts_with(CENTRAL)).ok_or_else(broken)?;
    let flags = u16_at(line, 8)?;
    let method = u16_at(line, 10)?;
    let checksum = u32_at(line, 16)?;
    let packed = u32_at(line, 20)?;
    let unpacked = u32_at(line, 24)?;
    let name_length = usize::from(u16_at(line, 28)?);
    let extra_length = usize::from(u16_at(line, 30)?);
    let comment_length = usize::from(u16_at(line, 32)?);
    let local = u32_at(line, 42)?;
    let name = line.get(46..46 + name_length).ok_or_else(broken)?;
    let name = std::str::from_utf8(name).map_err(|_| broken())?;
    let extra = line.get(46 + name_length..46 + name_length + extra_length).ok_or_else(broken)?;
    // What does not fit 32 bits stands in an extra field, in this order.
    let mut large = large_numbers(extra);
    let mut widened = |number: u32| {
        if number == u32::MAX { large.next() } else { Some(u64::from(number)) }
    };
    let _ = widened(unpacked);
    let size = place(widened(packed).ok_or_else(broken)?)?;
    let local = place(widened(local).ok_or_else(broken)?)?;
    let encrypted = flags & 1 != 0;
    let stored = method == 0 && !encrypted;
    let next = at + 46 + name_length + extra_length + comment_length;
    Ok((Entry { name, stored, checksum, size, place: local }, next))
}

/// The numbers of the ZIP64 extra field, if there is one.
fn large_numbers(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut field: &[u8] = &[];
    while let [kind_low, kind_high, low, high, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (content, after) = rest.split_at(length);
        if [*kind_low, *kind_high] == [1, 0] {
            field = content;
        }
        extra = after;
    }
    field.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes))
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Fault> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(broken)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Fault> {
    chunk(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Fault> {
    chunk(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Fault> {
    chunk(bytes, at).map(u64::from_le_bytes)
}

fn place(number: u64) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| broken())
}

fn broken() -> Fault {
    Fault::damaged("its table of contents is damaged")
}
