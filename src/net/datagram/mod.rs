//! Datagram sockets: UDP over IPv4 and IPv6, for everybody or connected to one peer, with multicast.
//!
//! | file | what it holds |
//! |---|---|
//! | [`options`] | what an owner may choose |
//! | `bind` | a descriptor with these options |
//! | [`socket`] | the handle |
//! | `state`, `sending` | what happens to it |
//! | `staged` | datagrams of one turn, which leave together |
//! | `outbox`, `unsent`, `told` | datagrams that wait for the kernel, or for the address of a name: such whose end nobody hears of, and the others |
//! | `lookup` | names, looked up by tasks |
//! | `family` | to which addresses a socket can send |
//! | [`groups`] | multicast groups that a socket belongs to |
//! | `trouble` | which errors concern one datagram, and which the socket |

mod bind;
mod family;
pub mod groups;
mod lookup;
pub mod options;
mod outbox;
mod sending;
pub mod socket;
mod staged;
mod state;
mod told;
mod trouble;
mod unsent;
