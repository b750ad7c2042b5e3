//! An OpenShell compute driver for SAP BTP Kyma.
#![forbid(unsafe_code)]

pub mod config;
pub mod contract;
pub mod core;
