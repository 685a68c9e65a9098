//! One file a command; prints, and nothing else.
