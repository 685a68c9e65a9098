//! What a pickle makes: plain values that name each other by number.

use super::names::Meaning;
use crate::model::weights::element::{Element, Layout};
use crate::model::weights::fault::Fault;

/// A value. `'a` are the bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Integer(i128),
    Text(&'a str),
    /// A tuple or a list, by its number in the heap.
    List(usize),
    /// A dictionary, by its number in the heap.
    Mapping(usize),
    /// A name.
    Name(Meaning),
    /// By its number in the heap.
    Storage(usize),
    /// By its number in the heap.
    Tensor(usize),
    /// Something of no interest.
    Opaque,
}

/// A storage that the pickle speaks of; its numbers are elsewhere in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage<'a> {
    /// `None` = numbers that networks do not use.
    pub(crate) element: Option<Element>,
    /// Its name in the file.
    pub(crate) key: &'a str,
    /// Where it begins in the storage of that name, in numbers.
    pub(crate) begin: usize,
}

/// A tensor: a view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorView {
    /// The storage's number in the heap.
    pub(crate) storage: usize,
    pub(crate) layout: Layout,
}

/// All that a pickle has made.
#[derive(Debug, Default)]
pub(crate) struct Heap<'a> {
    pub(super) lists: Vec<Vec<Value<'a>>>,
    pub(super) mappings: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<TensorView>,
}

impl<'a> Heap<'a> {
    /// The items of a tuple or a list; none of anything else.
    pub(crate) fn items(&self, value: Value<'a>) -> &[Value<'a>] {
        match value {
            Value::List(index) => self.lists.get(index).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// The entries of a dictionary; none of anything else.
    pub(crate) fn entries(&self, value: Value<'a>) -> &[(Value<'a>, Value<'a>)] {
        match value {
            Value::Mapping(index) => self.mappings.get(index).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// What a dictionary holds under `key`: the last entry counts.
    pub(crate) fn get(&self, value: Value<'a>, key: &str) -> Option<Value<'a>> {
        let entries = self.entries(value).iter().rev();
        entries.into_iter().find(|(name, _)| *name == Value::Text(key)).map(|&(_, value)| value)
    }

    /// The tensor behind a value, and the storage it is a view of.
    pub(crate) fn tensor(&self, value: Value<'a>) -> Option<(&TensorView, &Storage<'a>)> {
        let Value::Tensor(index) = value else { return None };
        let tensor = self.tensors.get(index)?;
        Some((tensor, self.storages.get(tensor.storage)?))
    }

    /// All storages spoken of.
    pub(crate) fn storages(&self) -> &[Storage<'a>] {
        &self.storages
    }

    pub(super) fn list(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.lists.push(items);
        Value::List(self.lists.len() - 1)
    }

    pub(super) fn mapping(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> Value<'a> {
        self.mappings.push(entries);
        Value::Mapping(self.mappings.len() - 1)
    }

    /// What calling a name with these arguments gives.
    pub(super) fn call(
        &mut self,
        name: Value<'a>,
        arguments: Value<'a>,
    ) -> Result<Value<'a>, Fault> {
        let wrong = || Fault::damaged("its pickle puts something together in an unknown way");
        let Value::Name(meaning) = name else { return Err(wrong()) };
        if !matches!(arguments, Value::List(_) | Value::Opaque) {
            return Err(wrong());
        }
        match (meaning, self.items(arguments)) {
            (Meaning::Opaque, _) => Ok(Value::Opaque),
            (Meaning::Mapping, arguments) => {
                // Python 2 gave the entries as a list of pairs.
                let pairs = arguments.first().map_or(&[][..], |&pairs| self.items(pairs));
                let entries = pairs.iter().filter_map(|&pair| match *self.items(pair) {
                    [key, value] => Some((key, value)),
                    _ => None,
                });
                let entries = entries.collect();
                Ok(self.mapping(entries))
            }
            (Meaning::Size, &[size @ Value::List(_), ..]) => Ok(size),
            (Meaning::Parameter, &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
            (Meaning::Tensor, &[Value::Storage(storage), offset, shape, strides, ..]) => {
                let layout = self.layout(offset, shape, strides).ok_or_else(|| {
                    Fault::damaged("a tensor's shape is not one that a tensor can have")
                })?;
                self.tensors.push(TensorView { storage, layout });
                Ok(Value::Tensor(self.tensors.len() - 1))
            }
            _ => Err(wrong()),
        }
    }

    fn layout(&self, offset: Value<'a>, shape: Value<'a>, strides: Value<'a>) -> Option<Layout> {
        // No network's tensors have more sides than this.
        const MOST_SIDES: usize = 16;
        let whole = |&value: &Value<'a>| match value {
            Value::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        };
        let list = |value| self.items(value).iter().map(whole).collect::<Option<Vec<_>>>();
        let (shape, strides) = (list(shape)?, list(strides)?);
        let fits = shape.len() == strides.len() && shape.len() <= MOST_SIDES;
        fits.then_some(Layout { offset: whole(&offset)?, shape, strides })
    }

    /// The storage that a persistent id names:
    /// `("storage", type, key, device, numbers)`, in old files with a sixth item: `None`, or of
    /// which part of the storage it is a view.
    pub(super) fn storage(&mut self, id: Value<'a>) -> Result<Value<'a>, Fault> {
        let wrong = || Fault::damaged("its pickle names something that is not a storage");
        let &[
            Value::Text("storage"),
            Value::Name(Meaning::Storage(element)),
            Value::Text(key),
            _,
            _,
            ref view @ ..,
        ] = self.items(id)
        else {
            return Err(wrong());
        };
        let begin = match view {
            [] | [Value::None] => 0,
            [part] => match self.items(*part) {
                [_, Value::Integer(begin), ..] => usize::try_from(*begin).map_err(|_| wrong())?,
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        self.storages.push(Storage { element, key, begin });
        Ok(Value::Storage(self.storages.len() - 1))
    }
}
