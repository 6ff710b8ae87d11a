//! Credentials: each way an app gets one, and each over time. Tokens end, keys are rotated, assertions are exchanged.

mod application;
mod certificate;
mod developer_tools;
mod managed;
mod proxy;
mod renewal;
mod rotation;
mod service_principal;
mod workload_identity;
