//! Our errors as the capabilities say them: a code and what was seen. Both hosts convert them here.

use crate::ConfigError;
use crate::reply::ErrorReply;
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

impl From<&ErrorReply> for Failure {
    fn from(reply: &ErrorReply) -> Self {
        match reply {
            ErrorReply::AuthRejected => Self::of(Kind::AuthRejected),
            ErrorReply::AuthRequired => Self::of(Kind::AuthRequired),
            ErrorReply::PermissionDenied => Self::of(Kind::PermissionDenied),
            ErrorReply::Loading => Self::of(Kind::Loading),
            ErrorReply::ReadOnly => Self::of(Kind::ReadOnly),
            ErrorReply::OutOfMemory => Self::of(Kind::OutOfMemory),
            ErrorReply::Moved { slot, endpoint } => Self::of(Kind::Moved)
                .with("redis.slot", slot.to_string())
                .with("redis.node", endpoint),
            ErrorReply::Ask { slot, endpoint } => Self::of(Kind::Moved)
                .with("redis.code", "ASK")
                .with("redis.slot", slot.to_string())
                .with("redis.node", endpoint),
            ErrorReply::Other { code, meaning } => {
                let failure = Self::of(Kind::ServerError).with("redis.code", code);
                match meaning {
                    Some(meaning) => failure.with("redis.meaning", meaning),
                    None => failure,
                }
            }
        }
    }
}
