//! What wants a cluster for itself: `make test-cluster` runs these one at a time, and in a cluster of their own.

mod many;
mod upheaval;
