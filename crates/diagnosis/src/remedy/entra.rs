//! Entra's own error codes (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>), as far as the
//! client credentials flow meets them. The numbers may change: one that is not here gets Entra's own page for it.

use crate::Case;

/// What a group of codes has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    AssertionTime,
    AssertionSignature,
    AssertionForm,
    NoFederation,
    Issuer,
    Audience,
    Subject,
    SecretWrong,
    SecretEnded,
    NoCredential,
    CertificateUnknown,
    AppUnknown,
    AppDisabled,
    Tenant,
    Cloud,
    ResourceUnknown,
    Scope,
    ConditionalAccess,
    NotAssigned,
    Consent,
    Throttled,
    Outage,
}

/// Which code has which cause.
const CODES: [(u32, Cause); 63] = [
    (700024, Cause::AssertionTime),
    (7000240, Cause::AssertionTime),
    (700020, Cause::AssertionForm),
    (50013, Cause::AssertionForm),
    (50027, Cause::AssertionForm),
    (700017, Cause::AssertionForm),
    (7000219, Cause::AssertionForm),
    (5002738, Cause::AssertionForm),
    (700027, Cause::CertificateUnknown),
    (7000214, Cause::CertificateUnknown),
    (700030, Cause::CertificateUnknown),
    (50012, Cause::AssertionSignature),
    (5000611, Cause::AssertionSignature),
    (501661, Cause::AssertionSignature),
    (70021, Cause::NoFederation),
    (700210, Cause::NoFederation),
    (700223, Cause::NoFederation),
    (700022, Cause::NoFederation),
    (700211, Cause::Issuer),
    (700212, Cause::Audience),
    (700213, Cause::Subject),
    (700238, Cause::Subject),
    (7000215, Cause::SecretWrong),
    (70002, Cause::SecretWrong),
    (7000222, Cause::SecretEnded),
    (7000218, Cause::NoCredential),
    (7000216, Cause::NoCredential),
    (900144, Cause::NoCredential),
    (700025, Cause::NoCredential),
    (700016, Cause::AppUnknown),
    (70001, Cause::AppUnknown),
    (7000229, Cause::AppUnknown),
    (7000112, Cause::AppDisabled),
    (7000113, Cause::AppDisabled),
    (7000114, Cause::AppDisabled),
    (90002, Cause::Tenant),
    (90013, Cause::Tenant),
    (900021, Cause::Tenant),
    (900023, Cause::Tenant),
    (9002313, Cause::Tenant),
    (50020, Cause::Tenant),
    (50059, Cause::Tenant),
    (90072, Cause::Tenant),
    (900382, Cause::Cloud),
    (900384, Cause::Cloud),
    (90038, Cause::Cloud),
    (900439, Cause::Cloud),
    (500011, Cause::ResourceUnknown),
    (650052, Cause::ResourceUnknown),
    (650057, Cause::ResourceUnknown),
    (50001, Cause::ResourceUnknown),
    (70011, Cause::Scope),
    (1002012, Cause::Scope),
    (28002, Cause::Scope),
    (53003, Cause::ConditionalAccess),
    (530003, Cause::ConditionalAccess),
    (53000, Cause::ConditionalAccess),
    (50105, Cause::NotAssigned),
    (65001, Cause::Consent),
    (650056, Cause::Consent),
    (50196, Cause::Throttled),
    (90055, Cause::Throttled),
    (90033, Cause::Outage),
];

/// What to do about this code of Entra's (`AADSTS700024`, or an OAuth 2.0 error such as `invalid_client`).
pub fn remedy(code: &str, case: &Case<'_>) -> String {
    let number = code.strip_prefix("AADSTS").unwrap_or(code);
    let cause = number
        .parse()
        .ok()
        .and_then(|number: u32| CODES.iter().find(|(known, _)| *known == number));
    match cause {
        Some((_, cause)) => cure(*cause, case),
        None if number.chars().all(|c| c.is_ascii_digit()) => format!(
            "Entra's own page says what {code} means: https://login.microsoftonline.com/error?code={number} . Its support asks \
             for identity.correlationId, identity.traceId and identity.time, which are in the evidence."
        ),
        None => format!(
            "Entra refused with {code} and no number: check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_AUTHORITY_HOST."
        ),
    }
}

fn cure(cause: Cause, case: &Case<'_>) -> String {
    let workload = case.label == Some("workload-identity");
    let text = match cause {
        Cause::AssertionTime if workload => {
            "The token that the cluster signed is outside its time range: either the file in AZURE_FEDERATED_TOKEN_FILE is not \
             rotated (it must be the projected volume itself, not a copy), or the node's clock is wrong."
        }
        Cause::AssertionTime => {
            "The signed assertion is outside its time range: this machine's clock is wrong."
        }
        Cause::AssertionSignature | Cause::AssertionForm => {
            "Entra cannot verify the assertion: it was signed with another key, or is cut off. Check what is in \
             AZURE_FEDERATED_TOKEN_FILE, and that the cluster's OIDC issuer publishes its current keys."
        }
        Cause::CertificateUnknown => {
            "The certificate is not registered with the application: upload its public part to the application that \
             AZURE_CLIENT_ID names, or point AZURE_CLIENT_CERTIFICATE_PATH at the registered one."
        }
        Cause::NoFederation => {
            "Entra knows no federated credential for this service account and that client: check AZURE_CLIENT_ID and \
             AZURE_TENANT_ID, and federate them: az identity federated-credential create --name cache-health --identity-name \
             \"$IDENTITY_NAME\" --resource-group \"$RG\" --issuer \"$OIDC_ISSUER\" --subject \
             system:serviceaccount:\"$NAMESPACE\":\"$SERVICE_ACCOUNT\" --audiences api://AzureADTokenExchange"
        }
        Cause::Issuer => {
            "The federated credential has another issuer than the token: compare it with the cluster's (az aks show --name \
             \"$CLUSTER\" --resource-group \"$RG\" --query oidcIssuerProfile.issuerUrl), to the slash at its end."
        }
        Cause::Audience => {
            "The federated credential has another audience than the token: both must be api://AzureADTokenExchange (in \
             Azure China api://AzureADTokenExchangeChina)."
        }
        Cause::Subject => {
            "The federated credential has another subject than the token: it must be system:serviceaccount:NAMESPACE:NAME of the \
             service account that the pod runs as. Compare them: az identity federated-credential list --identity-name \
             \"$IDENTITY_NAME\" --resource-group \"$RG\""
        }
        Cause::SecretWrong => {
            "AZURE_CLIENT_SECRET is not a secret of that application: the value is needed, not the secret's id, and it belongs to \
             AZURE_CLIENT_ID in AZURE_TENANT_ID."
        }
        Cause::SecretEnded => {
            "The client secret has ended: az ad app credential reset --id \"$AZURE_CLIENT_ID\" --append, and put the new value into \
             AZURE_CLIENT_SECRET."
        }
        Cause::NoCredential => {
            "The request carried no credential that Entra takes: set AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or \
             AZURE_FEDERATED_TOKEN_FILE."
        }
        Cause::AppUnknown => {
            "There is no application of that client id in that tenant: check AZURE_CLIENT_ID and AZURE_TENANT_ID. It has to be the \
             client id, neither the object id nor the id of the tenant."
        }
        Cause::AppDisabled => {
            "The application is disabled in its tenant: ask its administrator, or use another identity."
        }
        Cause::Tenant => {
            "There is no such tenant in that cloud: check AZURE_TENANT_ID, and AZURE_AUTHORITY_HOST where the tenant is in another \
             cloud (https://login.microsoftonline.us/, https://login.chinacloudapi.cn/)."
        }
        Cause::Cloud => {
            "The application is in another cloud than the one that was asked: set AZURE_AUTHORITY_HOST to the tenant's own \
             (https://login.microsoftonline.us/, https://login.chinacloudapi.cn/)."
        }
        Cause::ResourceUnknown => {
            "The tenant has no service principal for https://redis.azure.com: it is made when the first cache with Entra \
             authentication is, so check AZURE_TENANT_ID first. To make it by hand: az ad sp create --id \
             acca5fbb-b7e4-4009-81f1-37e38fd66d78"
        }
        Cause::Scope => {
            "The scope is not one that Entra knows: unset REDIS_TOKEN_SCOPE, or correct it to https://redis.azure.com/.default ."
        }
        Cause::ConditionalAccess => {
            "A conditional access policy blocks the identity: look for it in the sign-in log of Entra by the correlation id in the \
             evidence, and exclude the workload identity or allow its place on the network."
        }
        Cause::NotAssigned => {
            "The application wants its users assigned, and this identity is not: assign it a role of the application."
        }
        Cause::Consent => {
            "Consent is missing: an administrator of the tenant has to grant it to the application."
        }
        Cause::Throttled => {
            "Entra limits requests of this identity: wait, and look for something that asks in a loop."
        }
        Cause::Outage => {
            "Entra is failing for the moment: wait, and look at Azure's status if it lasts."
        }
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_health_report::{Evidence, Kind};

    #[test]
    fn no_code_is_there_twice() {
        for (index, (code, _)) in CODES.iter().enumerate() {
            let again = CODES[index + 1..].iter().any(|(other, _)| other == code);
            assert!(!again, "{code}");
        }
    }

    #[test]
    fn an_unknown_number_gets_entras_own_page() {
        let seen = Evidence::new();
        let case = Case::of(Kind::TokenRejected, &seen);
        let text = remedy("AADSTS999999", &case);
        assert!(
            text.contains("AADSTS999999") && text.contains("error?code=999999"),
            "{text}"
        );
        assert!(remedy("invalid_client", &case).contains("invalid_client"));
    }

    #[test]
    fn only_a_lacking_federation_is_told_to_federate() {
        let seen = Evidence::new();
        let mut case = Case::of(Kind::TokenRejected, &seen);
        case.label = Some("workload-identity");
        for (code, cause) in CODES {
            let text = remedy(&code.to_string(), &case);
            assert!(text.len() > 40, "{code}: {text}");
            assert_eq!(
                text.contains("credential create"),
                cause == Cause::NoFederation,
                "{code}: {text}"
            );
        }
    }
}
