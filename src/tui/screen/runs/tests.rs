//! The runs screen: what its keys do.

use super::*;
