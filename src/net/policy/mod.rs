//! Decisions without I/O and without a clock of their own: what is written next, who is waited for and how long, and who
//! gives way.
//!
//! | file | what it decides |
//! |---|---|
//! | [`send_queue`] | what a connection writes next, and how much is unwritten |
//! | [`writers`] | who writes first, where many can |
//! | [`progress`] | whether a peer takes what it is owed |
//! | `settling` | how long a connection is watched after FIN |
//! | `deadlines`, `activity` | what a connection must have done by when |
//! | `places` | who gives way, where strangers hold too many places |

pub(super) mod activity;
pub(super) mod deadlines;
pub(super) mod places;
pub mod progress;
pub mod send_queue;
pub(super) mod settling;
pub mod writers;
