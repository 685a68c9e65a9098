//! Flags over environment over settings file over defaults; every path.
