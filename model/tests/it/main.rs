//! What the model crate promises at its edges.

mod registry;
