//! Scratch's cloud variables at `/cloud/KEY`, as TurboWarp and its packager speak them: the variables of a project are
//! the values of a group, whose name is the project's id.
//!
//! Each socket is a node of that group, and calls the operations as any client does.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`protocol`] | the messages of both sides |
//! | [`projects`] | the groups of projects: entering, heartbeats, values, leaving |
//! | [`connection`] | one connection's task, from the upgrade to the close |

pub mod connection;
pub mod projects;
pub mod protocol;
