//! Counting under a clock that stands.
