//! Items as this store writes and reads them. [`crate::table`] says which there are.

pub(crate) mod call;
pub(crate) mod group;
pub(crate) mod group_id;
pub(crate) mod keys;
pub(crate) mod member;
pub(crate) mod secret;
pub(crate) mod values;
