//! Datagram sockets: UDP over IPv4 and IPv6, unconnected, with multicast.
//!
//! | file | what it holds |
//! |---|---|
//! | [`options`] | what an owner may choose |
//! | `bind` | a descriptor with these options |
//! | [`socket`] | the handle, and what happens to it |
//! | `unsent` | datagrams that wait for the kernel, or for the address of a name |
//! | [`groups`] | multicast groups that a socket belongs to |
//! | `trouble` | which errors concern one datagram, and which the socket |

mod bind;
pub mod groups;
pub mod options;
pub mod socket;
mod trouble;
mod unsent;
