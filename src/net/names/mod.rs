//! Names to addresses, and the race between addresses (RFC 8305).

pub mod connect;
pub mod resolve;
