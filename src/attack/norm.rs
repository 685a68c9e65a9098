//! What a perturbation is measured by.

/// The norm of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// The largest change of a pixel.
    Linf,
    /// The root of the sum of squares over pixels and channels; a bound of ε pixel levels is
    /// ε/255 for pixels in 0..1.
    L2,
}
