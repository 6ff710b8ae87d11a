//! Azure's clouds: which one a name belongs to
//! (<https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).

/// A cloud of Azure's whose names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The public one.
    Public,
    /// Azure Government.
    Government,
    /// Azure China, operated by 21Vianet.
    China,
}

/// The domains of each cloud, of caches and of Entra.
const DOMAINS: [(&str, Cloud); 10] = [
    ("redis.cache.windows.net", Cloud::Public),
    ("redis.azure.net", Cloud::Public),
    ("redisenterprise.cache.azure.net", Cloud::Public),
    ("login.microsoftonline.com", Cloud::Public),
    ("login.windows.net", Cloud::Public),
    ("usgovcloudapi.net", Cloud::Government),
    ("login.microsoftonline.us", Cloud::Government),
    ("chinacloudapi.cn", Cloud::China),
    ("login.partner.microsoftonline.cn", Cloud::China),
    ("login.chinacloudapi.cn", Cloud::China),
];

impl Cloud {
    /// The cloud that a host belongs to; none for one of one's own, or of a cloud that is not known.
    pub fn of(host: &str) -> Option<Self> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let of =
            |(domain, _): &&(&str, Self)| host == *domain || host.ends_with(&format!(".{domain}"));
        DOMAINS.iter().find(of).map(|(_, cloud)| *cloud)
    }

    /// Where Entra issues its tokens.
    pub fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com/",
            Self::Government => "https://login.microsoftonline.us/",
            Self::China => "https://login.chinacloudapi.cn/",
        }
    }

    /// Its name, in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "the public cloud",
            Self::Government => "Azure Government",
            Self::China => "Azure China",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_its_cloud() {
        for (host, cloud) in [
            ("shop.redis.cache.windows.net", Some(Cloud::Public)),
            ("shop.westeurope.redis.azure.net.", Some(Cloud::Public)),
            (
                "Shop.redis.cache.UsGovCloudApi.net",
                Some(Cloud::Government),
            ),
            ("shop.redis.cache.chinacloudapi.cn", Some(Cloud::China)),
            ("login.microsoftonline.us", Some(Cloud::Government)),
            ("notredis.azure.net", None),
            ("10.0.0.4", None),
        ] {
            assert_eq!(Cloud::of(host), cloud, "{host}");
        }
        for cloud in [Cloud::Public, Cloud::Government, Cloud::China] {
            let host = cloud
                .authority()
                .trim_start_matches("https://")
                .trim_end_matches('/');
            assert_eq!(Cloud::of(host), Some(cloud));
        }
    }
}
