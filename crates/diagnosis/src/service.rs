//! Which of Azure's services a host name belongs to.

/// A service, by the suffixes that Azure documents and StackExchange.Redis knows. After a migration an old name may lead
/// to the new service, so the suffix says how a resource is called and decides no remedy by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service<'a> {
    /// `<name>.redis.cache.windows.net`: Azure Cache for Redis, with its sovereign clouds.
    CacheForRedis(&'a str),
    /// `<name>.<region>.redis.azure.net`: Azure Managed Redis.
    ManagedRedis(&'a str),
    /// `<name>.<region>.redisenterprise.cache.azure.net`: Azure Cache for Redis Enterprise.
    Enterprise(&'a str),
    /// Neither: a private name or address.
    Unknown,
}

/// Suffixes of Azure Managed Redis in the public and the sovereign clouds.
const MANAGED: [&str; 5] = [
    ".redis.azure.net",
    ".redis.chinacloudapi.cn",
    ".redis.usgovcloudapi.net",
    ".redis.sovcloud-api.de",
    ".redis.sovcloud-api.fr",
];
const ENTERPRISE: &str = ".redisenterprise.cache.azure.net";

impl<'a> Service<'a> {
    /// By the host name, without regard to case and a dot at its end.
    pub fn of(host: &'a str) -> Self {
        let host = host.trim_end_matches('.');
        let name = host.split('.').next().unwrap_or_default();
        let lower = host.to_ascii_lowercase();
        if lower.contains(".redis.cache.") {
            // `<name>.privatelink.redis.cache.windows.net` is the same resource.
            Self::CacheForRedis(name)
        } else if lower.ends_with(ENTERPRISE) {
            Self::Enterprise(name)
        } else if MANAGED.iter().any(|suffix| lower.ends_with(suffix)) {
            Self::ManagedRedis(name)
        } else {
            Self::Unknown
        }
    }

    /// The name of the Azure resource.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::CacheForRedis(name) | Self::ManagedRedis(name) | Self::Enterprise(name) => {
                Some(name)
            }
            Self::Unknown => None,
        }
    }

    /// The TLS port of the service.
    pub fn port(self) -> u16 {
        match self {
            Self::ManagedRedis(_) | Self::Enterprise(_) => 10000,
            Self::CacheForRedis(_) | Self::Unknown => 6380,
        }
    }

    /// The command that shows something of the resource.
    pub(crate) fn show(self, query: &str) -> String {
        match self {
            Self::CacheForRedis(_) => {
                format!("az redis show --name $REDIS_NAME --resource-group \"$RG\" --query {query}")
            }
            Self::ManagedRedis(_) | Self::Enterprise(_) => format!(
                "az redisenterprise show --cluster-name $REDIS_NAME --resource-group \"$RG\" --query {query}"
            ),
            Self::Unknown => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suffix_is_known_in_any_case() {
        let of = Service::of;
        assert_eq!(of("a.redis.cache.windows.net"), Service::CacheForRedis("a"));
        assert_eq!(
            of("A.Redis.Cache.Windows.NET."),
            Service::CacheForRedis("A")
        );
        assert_eq!(
            of("a.privatelink.redis.cache.windows.net"),
            Service::CacheForRedis("a")
        );
        assert_eq!(
            of("a.redis.cache.chinacloudapi.cn"),
            Service::CacheForRedis("a")
        );
        assert_eq!(
            of("a.westeurope.redis.azure.net"),
            Service::ManagedRedis("a")
        );
        assert_eq!(
            of("a.x.redis.usgovcloudapi.net"),
            Service::ManagedRedis("a")
        );
        assert_eq!(
            of("a.x.redisenterprise.cache.azure.net"),
            Service::Enterprise("a")
        );
        assert_eq!(of("10.0.0.4"), Service::Unknown);
        assert_eq!(of("redis.azure.net.example"), Service::Unknown);
    }
}
