//! The protocol buffers of event files, as far as they are written here: `event.proto`,
//! `summary.proto` and `tensor.proto` of TensorBoard. Of a `oneof` each case is an optional field,
//! which is the same on the wire; exactly one of them is set.

use prost::Message;

/// `tensorboard.Event`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Proto {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    /// Of the first record alone.
    #[prost(string, optional, tag = "3")]
    pub(super) file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub(super) summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    pub(super) session_log: Option<SessionLog>,
}

/// `tensorboard.SessionLog`: everything from its event's step on is void.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}

impl SessionLog {
    /// `SessionStatus.START`.
    pub(super) const START: i32 = 1;
}

/// `tensorboard.Summary`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

/// `tensorboard.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    pub(super) image: Option<Image>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
}

impl Value {
    pub(super) fn scalar(tag: String, value: f32) -> Self {
        Self { tag, simple_value: Some(value), ..Self::default() }
    }

    pub(super) fn image(tag: String, image: Image) -> Self {
        Self { tag, image: Some(image), ..Self::default() }
    }

    /// Markdown.
    pub(super) fn text(tag: String, text: String) -> Self {
        let shape = Shape { dim: vec![Dimension { size: 1 }] };
        let string_val = vec![text.into_bytes()];
        let tensor = Tensor { dtype: Tensor::STRING, tensor_shape: Some(shape), string_val };
        let plugin = Plugin { plugin_name: "text".into() };
        let metadata = Some(Metadata { plugin_data: Some(plugin) });
        Self { tag, tensor: Some(tensor), metadata, ..Self::default() }
    }
}

/// `tensorboard.Summary.Image`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// How many channels.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    /// A PNG file.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded_image_string: Vec<u8>,
}

impl Image {
    pub(super) fn rgb(width: u32, height: u32, png: Vec<u8>) -> Self {
        let [width, height] = [width, height].map(|side| side as i32);
        Self { height, width, colorspace: 3, encoded_image_string: png }
    }
}

/// `tensorboard.SummaryMetadata`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<Plugin>,
}

/// `tensorboard.SummaryMetadata.PluginData`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
}

/// `tensorboard.TensorProto`, of strings.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Tensor {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<Shape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
}

impl Tensor {
    /// `DataType.DT_STRING`.
    const STRING: i32 = 7;
}

/// `tensorboard.TensorShapeProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dimension>,
}

/// `tensorboard.TensorShapeProto.Dim`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}
