//! Choosing and describing a device.
