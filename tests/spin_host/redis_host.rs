//! `spin:redis` and `spin:variables`, as Spin implements them.

use super::bindings::spin::redis::redis as wit;
use super::bindings::spin::variables::variables;
use super::state::{SpinConnection, State};
use redis::Value;
use wasmtime::Result;
use wasmtime::component::{Accessor, HasSelf, Resource};

type Answer<T> = Result<std::result::Result<T, wit::Error>>;

impl variables::Host for State {}

impl variables::HostWithStore<State> for HasSelf<State> {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> Result<std::result::Result<String, variables::Error>> {
        Ok(accessor.with(|mut store| {
            let application = &store.get().application;
            if application.unreadable == Some(&name) {
                return Err(variables::Error::Provider("s3cret".to_owned()));
            }
            let value = application.variables.get(&name).cloned();
            value.ok_or(variables::Error::Undefined(name))
        }))
    }
}

impl wit::Host for State {}

impl wit::HostConnection for State {
    fn drop(&mut self, handle: Resource<SpinConnection>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

fn other(error: redis::RedisError) -> wit::Error {
    wit::Error::Other(error.to_string())
}

impl wit::HostConnectionWithStore<State> for HasSelf<State> {
    async fn open(
        accessor: &Accessor<State, Self>,
        address: String,
    ) -> Answer<Resource<SpinConnection>> {
        assert!(
            !address.contains('#'),
            "verification must never be switched off"
        );
        let application = accessor.with(|mut store| store.get().application.clone());
        // The allow-list: only the configured Redis over rediss.
        let variable = |name: &str| application.variables.get(name).cloned().unwrap_or_default();
        let allowed = format!("@{}:{}", variable("redis_host"), variable("redis_port"));
        if !address.starts_with("rediss://") || !address.ends_with(&allowed) {
            return Ok(Err(wit::Error::InvalidAddress));
        }
        let certificates = redis::TlsCertificates {
            client_tls: None,
            root_cert: Some(std::fs::read(&application.ca_file)?),
        };
        let client = match redis::Client::build_with_tls(address.as_str(), certificates) {
            Ok(client) => client,
            Err(_) => return Ok(Err(wit::Error::InvalidAddress)),
        };
        // No time-outs: Spin sets none.
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        match client
            .get_multiplexed_async_connection_with_config(&config)
            .await
        {
            Ok(redis) => {
                let connection = SpinConnection::new(redis, &application.connections);
                Ok(Ok(
                    accessor.with(|mut store| store.get().table.push(connection))?
                ))
            }
            Err(error) => Ok(Err(other(error))),
        }
    }

    async fn execute(
        accessor: &Accessor<State, Self>,
        handle: Resource<SpinConnection>,
        command: String,
        arguments: Vec<wit::RedisParameter>,
    ) -> Answer<Vec<wit::RedisResult>> {
        // Spin 4 records the arguments of `execute` in a trace span.
        assert_ne!(
            command, "AUTH",
            "a token must never be an argument of execute"
        );
        let mut redis =
            accessor.with(|mut store| store.get().table.get(&handle).map(|c| c.redis.clone()))?;
        let mut cmd = redis::cmd(&command);
        for argument in arguments {
            match argument {
                wit::RedisParameter::Int64(number) => cmd.arg(number),
                wit::RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        match cmd.query_async::<Value>(&mut redis).await {
            Ok(value) => Ok(Ok(vec![match value {
                Value::Nil => wit::RedisResult::Nil,
                Value::Int(number) => wit::RedisResult::Int64(number),
                Value::BulkString(bytes) => wit::RedisResult::Binary(bytes),
                Value::SimpleString(text) => wit::RedisResult::Status(text),
                Value::Okay => wit::RedisResult::Status("OK".into()),
                other => panic!("not a reply of SET or GET: {other:?}"),
            }])),
            Err(error) => Ok(Err(other(error))),
        }
    }

    async fn get(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
    ) -> Answer<Option<Vec<u8>>> {
        unused()
    }

    async fn set(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
        _: Vec<u8>,
    ) -> Answer<()> {
        unused()
    }

    async fn publish(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
        _: Vec<u8>,
    ) -> Answer<()> {
        unused()
    }

    async fn incr(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
    ) -> Answer<i64> {
        unused()
    }

    async fn del(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: Vec<String>,
    ) -> Answer<u32> {
        unused()
    }

    async fn sadd(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
        _: Vec<String>,
    ) -> Answer<u32> {
        unused()
    }

    async fn smembers(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
    ) -> Answer<Vec<String>> {
        unused()
    }

    async fn srem(
        _: &Accessor<State, Self>,
        _: Resource<SpinConnection>,
        _: String,
        _: Vec<String>,
    ) -> Answer<u32> {
        unused()
    }
}

fn unused<T>() -> Answer<T> {
    Err(wasmtime::Error::msg(
        "the provider has no use for this function",
    ))
}
