//! The deployment scripts, with a fake `az`.

mod access;
mod deploy;
mod lint;
mod spin;
mod subscription;
mod verify;
