#!/bin/sh
# From Container Apps' own variable names to Spin's: REDIS_HOST becomes the Spin variable redis_host,
# IDENTITY_ENDPOINT identity_endpoint, and so on. Spin's environment provider wants a prefix and
# Container Apps injects names without one, so they are copied. Nothing is printed.
#
#   deploy/spin/up.sh --listen 0.0.0.0:8080
set -eu
for name in REDIS_HOST REDIS_PORT REDIS_AUTH REDIS_ACCESS_KEY REDIS_ACCESS_KEY_SECONDARY \
    REDIS_USERNAME REDIS_TOKEN_SCOPE REDIS_HEALTH_KEY IDENTITY_ENDPOINT IDENTITY_HEADER \
    AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST AZURE_TOKEN_CREDENTIALS \
    CACHE_HEALTH_TIMEOUT CACHE_HEALTH_INTERVAL CACHE_HEALTH_READINESS; do
    # The names are ours and plain, so eval sees nothing that somebody else wrote.
    if eval "[ -n \"\${$name:-}\" ]"; then
        eval "SPIN_VARIABLE_$name=\$$name; export SPIN_VARIABLE_$name"
    fi
done
# A variable of the application, which has no prefix of ours.
if [ -n "${CACHE_HEALTH_OPERATOR_TOKEN:-}" ]; then
    export SPIN_VARIABLE_OPERATOR_TOKEN="$CACHE_HEALTH_OPERATOR_TOKEN"
fi
exec spin up --from "${SPIN_APP:-$(dirname "$0")/../../spin.toml}" "$@"
