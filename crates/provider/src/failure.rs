//! Our errors as the capabilities say them: a code and what was seen. Both hosts convert them here.

use crate::ConfigError;
use crate::reply::Reply;
use cache_health_report::{Failure, Kind};

impl From<&ConfigError> for Failure {
    fn from(error: &ConfigError) -> Self {
        let failure = Self::of(Kind::Config)
            .with("config.variable", &error.variable)
            .with("config.problem", &error.problem);
        match error.shape {
            Some(shape) => failure.with("config.shape", shape),
            None => failure,
        }
    }
}

impl From<&Reply> for Failure {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::AuthRejected => Self::of(Kind::AuthRejected),
            Reply::AuthRequired => Self::of(Kind::AuthRequired),
            Reply::PermissionDenied => Self::of(Kind::PermissionDenied),
            Reply::Loading => Self::of(Kind::Loading),
            Reply::ReadOnly => Self::of(Kind::ReadOnly),
            Reply::OutOfMemory => Self::of(Kind::OutOfMemory),
            Reply::Moved { slot, endpoint } => Self::of(Kind::Moved)
                .with("redis.slot", slot.to_string())
                .with("redis.node", endpoint),
            Reply::Ask { slot, endpoint } => Self::of(Kind::Moved)
                .with("redis.code", "ASK")
                .with("redis.slot", slot.to_string())
                .with("redis.node", endpoint),
            Reply::Other { code, meaning } => {
                let failure = Self::of(Kind::ServerError).with("redis.code", code);
                match meaning {
                    Some(meaning) => failure.with("redis.meaning", meaning),
                    None => failure,
                }
            }
        }
    }
}
