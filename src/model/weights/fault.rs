//! What is wrong with a weights file: the end of a sentence that begins with its name.

use crate::error::text::printable;

/// Why a weights file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) hint: String,
}

/// Most faults are a damaged copy.
const COPY_AGAIN: &str = "the copy is damaged: copy or download it again";

impl Fault {
    /// Bytes that do not hang together.
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: COPY_AGAIN.into() }
    }

    /// The file ends where something should follow.
    pub(super) fn cut_short() -> Self {
        Self::damaged("the file is cut short")
    }

    /// A file that never held weights.
    pub(super) fn foreign(reason: impl Into<String>) -> Self {
        let hint = "weights are .safetensors files, or what torch.save writes (.pth, .pt, .th)";
        Self { reason: reason.into(), hint: hint.into() }
    }

    /// A whole file, but of a kind that cannot be worked with.
    pub(super) fn unfit(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: format!("save its weights anew: {RESAVE}") }
    }

    /// A pickle that wants something of Python's that no weights need. Nothing of it was run.
    pub(super) fn forbidden(module: &str, name: &str) -> Self {
        Self {
            reason: format!(
                "it asks Python for '{}.{}', which weights do not need; nothing of it was run",
                printable(module),
                printable(name)
            ),
            hint: format!(
                "loading such a file in Python runs what its maker wrote. If you trust them, do it \
                 once and save the weights alone: {RESAVE}"
            ),
        }
    }
}

/// From any file that PyTorch can load to one that holds numbers and nothing else.
const RESAVE: &str = "python -c \"import torch; from safetensors.torch import save_file; \
    d = torch.load('old.pth', map_location='cpu', weights_only=False); \
    d = d.state_dict() if hasattr(d, 'state_dict') else d.get('state_dict', d); \
    save_file({k: v.contiguous() for k, v in d.items()}, 'new.safetensors')\"";
