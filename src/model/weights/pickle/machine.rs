//! The stack machine. The instructions are those of Python's `pickletools`, as far as `torch.save`
//! uses them in any of pickle's binary protocols.

use std::collections::HashMap;

use super::heap::{Heap, Value};
use super::names::meaning;
use crate::model::weights::fault::Fault;

/// A checkpoint of a large network has some ten thousand.
const MOST_INSTRUCTIONS: usize = 1 << 21;

/// Reads the pickle at the beginning of `bytes`: what it made, and how many bytes it takes.
pub(crate) fn run<'a>(bytes: &'a [u8], heap: &mut Heap<'a>) -> Result<(Value<'a>, usize), Fault> {
    let mut machine =
        Machine { bytes, at: 0, heap, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    for _ in 0..MOST_INSTRUCTIONS {
        if let Some(value) = machine.step()? {
            return Ok((value, machine.at));
        }
    }
    Err(Fault::unfit("its pickle is far longer than that of any network"))
}

struct Machine<'a, 'h> {
    bytes: &'a [u8],
    at: usize,
    heap: &'h mut Heap<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Value<'a>>,
}

impl<'a> Machine<'a, '_> {
    /// Carries out one instruction; `Some` = the pickle ends with this.
    fn step(&mut self) -> Result<Option<Value<'a>>, Fault> {
        let place = self.at;
        let [instruction] = self.take()?;
        match instruction {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let [protocol] = self.take()?;
                if !(1..=5).contains(&protocol) {
                    return Err(Fault::damaged(format!("pickle protocol {protocol} is unknown")));
                }
            }
            0x95 => self.skip(8)?, // a frame's length
            // The stack
            b'(' => self.marks.push(self.stack.len()),
            // `b` sets attributes: `_metadata` of a state_dict.
            b'0' | b'b' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => self.stack.push(*self.stack.last().ok_or_else(unbalanced)?),
            // The memo
            b'q' | b'r' | 0x94 => {
                let index = match instruction {
                    b'q' => self.length::<1>()?,
                    b'r' => self.length::<4>()?,
                    _ => self.memo.len() as u64,
                };
                self.memo.insert(index, *self.stack.last().ok_or_else(unbalanced)?);
            }
            b'h' | b'j' => {
                let index =
                    if instruction == b'h' { self.length::<1>()? } else { self.length::<4>()? };
                self.stack.push(*self.memo.get(&index).ok_or_else(unbalanced)?);
            }
            // Plain values
            b'N' => self.stack.push(Value::None),
            0x88 | 0x89 => self.stack.push(Value::Bool(instruction == 0x88)),
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.stack.push(Value::Integer(number.into()));
            }
            b'K' => self.whole::<1>()?,
            b'M' => self.whole::<2>()?,
            0x8a => {
                let length = self.length::<1>()?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.length::<4>()?;
                self.long(length)?;
            }
            b'G' => {
                self.skip(8)?; // a float
                self.stack.push(Value::Opaque);
            }
            b'X' | b'T' => self.text::<4>(instruction == b'X')?,
            0x8c | b'U' => self.text::<1>(instruction == 0x8c)?,
            0x8d => self.text::<8>(true)?,
            b'B' => self.binary::<4>()?,
            b'C' => self.binary::<1>()?,
            0x8e | 0x96 => self.binary::<8>()?,
            // Collections
            b')' | b']' => {
                let list = self.heap.list(Vec::new());
                self.stack.push(list);
            }
            b'}' => {
                let mapping = self.heap.mapping(Vec::new());
                self.stack.push(mapping);
            }
            0x8f => self.stack.push(Value::Opaque), // a set
            b't' | b'l' => {
                let items = self.pop_to_mark()?;
                let list = self.heap.list(items);
                self.stack.push(list);
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(instruction) - 0x84)?;
                let tuple = self.heap.list(items);
                self.stack.push(tuple);
            }
            b'd' => {
                let entries = pairs(&self.pop_to_mark()?)?;
                let mapping = self.heap.mapping(entries);
                self.stack.push(mapping);
            }
            0x91 => {
                self.pop_to_mark()?;
                self.stack.push(Value::Opaque); // a frozen set
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let entry = self.pop_many(2)?;
                self.insert(&entry)?;
            }
            b'u' => {
                let entries = self.pop_to_mark()?;
                self.insert(&entries)?;
            }
            // Names, and what is done with them
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let known = meaning(module, name).filter(|_| instruction == b'c');
                self.stack.push(Value::Name(known.ok_or_else(|| Fault::forbidden(module, name))?));
            }
            0x93 => {
                let names = self.pop_many(2)?;
                let [Value::Text(module), Value::Text(name)] = names[..] else {
                    return Err(Fault::damaged("its pickle names something without a name"));
                };
                let known = meaning(module, name);
                self.stack.push(Value::Name(known.ok_or_else(|| Fault::forbidden(module, name))?));
            }
            b'R' | 0x81 | 0x92 => {
                if instruction == 0x92 {
                    self.pop()?; // named arguments
                }
                let arguments = self.pop()?;
                let name = self.pop()?;
                let value = self.heap.call(name, arguments)?;
                self.stack.push(value);
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.heap.storage(id)?;
                self.stack.push(storage);
            }
            other => {
                return Err(Fault::damaged(format!(
                    "its pickle holds the instruction {other:#04x} at byte {place}, which PyTorch \
                     never writes"
                )));
            }
        }
        Ok(None)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes = rest.first_chunk().ok_or_else(Fault::cut_short)?;
        self.at += N;
        Ok(*bytes)
    }

    fn slice(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = usize::try_from(length).map_err(|_| Fault::cut_short())?;
        let bytes = rest.get(..length).ok_or_else(Fault::cut_short)?;
        self.at += length;
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> Result<(), Fault> {
        self.slice(length).map(drop)
    }

    /// A length or an index of `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.take::<N>()?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn whole<const N: usize>(&mut self) -> Result<(), Fault> {
        let number = self.length::<N>()?;
        self.stack.push(Value::Integer(number.into()));
        Ok(())
    }

    /// A whole number of any length, in two's complement.
    fn long(&mut self, length: u64) -> Result<(), Fault> {
        let bytes = self.slice(length)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut number = [if negative { 0xff } else { 0 }; 16];
        self.stack.push(match number.get_mut(..bytes.len()) {
            Some(lower) => {
                lower.copy_from_slice(bytes);
                Value::Integer(i128::from_le_bytes(number))
            }
            None => Value::Opaque,
        });
        Ok(())
    }

    /// Text behind its length of `N` bytes; Python 2's may be anything.
    fn text<const N: usize>(&mut self, must_be_unicode: bool) -> Result<(), Fault> {
        let length = self.length::<N>()?;
        let bytes = self.slice(length)?;
        self.stack.push(match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(_) if must_be_unicode => return Err(Fault::damaged("a name in it is no text")),
            Err(_) => Value::Opaque,
        });
        Ok(())
    }

    fn binary<const N: usize>(&mut self) -> Result<(), Fault> {
        let length = self.length::<N>()?;
        self.skip(length)?;
        self.stack.push(Value::Opaque);
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(Fault::cut_short)?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length])
            .map_err(|_| Fault::damaged("a name in its pickle is no text"))
    }

    /// Values below the newest mark belong to what is being made around it.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value<'a>, Fault> {
        if self.stack.len() <= self.floor() {
            return Err(unbalanced());
        }
        self.stack.pop().ok_or_else(unbalanced)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>, Fault> {
        let begin = self.stack.len().checked_sub(count).filter(|&begin| begin >= self.floor());
        Ok(self.stack.split_off(begin.ok_or_else(unbalanced)?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, Fault> {
        let begin = self.marks.pop().ok_or_else(unbalanced)?;
        if begin > self.stack.len() {
            return Err(unbalanced());
        }
        Ok(self.stack.split_off(begin))
    }

    /// Puts items into the list on top of the stack.
    fn append(&mut self, items: Vec<Value<'a>>) -> Result<(), Fault> {
        match self.stack.last().copied() {
            Some(Value::List(index)) => self.heap.lists[index].extend(items),
            Some(Value::Opaque) => {}
            _ => return Err(unbalanced()),
        }
        Ok(())
    }

    /// Puts keys and values in turn into the dictionary on top of the stack.
    fn insert(&mut self, entries: &[Value<'a>]) -> Result<(), Fault> {
        match self.stack.last().copied() {
            Some(Value::Mapping(index)) => self.heap.mappings[index].extend(pairs(entries)?),
            Some(Value::Opaque) => {}
            _ => return Err(unbalanced()),
        }
        Ok(())
    }
}

fn pairs<'a>(values: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
    let (pairs, rest) = values.as_chunks();
    if !rest.is_empty() {
        return Err(unbalanced());
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

/// An instruction that finds on the stack or in the memo not what it needs.
fn unbalanced() -> Fault {
    Fault::damaged("its pickle does not hang together")
}
