"""What Microsoft's clients in Python make of the endpoints; prints the token, or what came of it."""

import sys

import os

from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

SCOPE = "https://redis.azure.com/.default"


def redis_entraid():
    """A connection that the provider of redis-py authenticates."""
    import redis
    from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
    from redis_entraid.cred_provider import create_from_default_azure_credential

    # The default gives a request 100 ms, which a busy machine may not have.
    patient = TokenManagerConfig(0.7, 0, 5000, RetryPolicy(3, 100))
    provider = create_from_default_azure_credential((SCOPE,), token_manager_config=patient)
    client = redis.Redis(
        host="localhost",
        port=int(os.environ["REDIS_PORT"]),
        ssl=True,
        ssl_ca_certs=os.environ["REDIS_CA_FILE"],
        credential_provider=provider,
    )
    client.set("health", "ok", ex=60)
    return client.get("health").decode()


def application(kind, proof):
    """An application that proves itself with what a variable holds."""
    return kind(
        os.environ["AZURE_TENANT_ID"],
        os.environ["AZURE_CLIENT_ID"],
        os.environ[proof],
        authority=os.environ["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
    )


CREDENTIALS = {
    "certificate": lambda: application(CertificateCredential, "AZURE_CLIENT_CERTIFICATE_PATH"),
    "client-secret": lambda: application(ClientSecretCredential, "AZURE_CLIENT_SECRET"),
    "managed-identity": lambda: ManagedIdentityCredential(),
    "default": lambda: DefaultAzureCredential(),
    # What names an identity is sent as is; an endpoint that does not know the name says so.
    "resource-id": lambda: ManagedIdentityCredential(
        identity_config={"resource_id": "/subscriptions/s/resourceGroups/g/providers/x/i"}
    ),
    # Instance discovery asks Microsoft's own servers whether the authority is one of theirs.
    "workload-identity": lambda: WorkloadIdentityCredential(disable_instance_discovery=True),
}

name = sys.argv[1]
if name == "redis-entraid":
    print(redis_entraid())
else:
    print(CREDENTIALS[name]().get_token(SCOPE).token)
