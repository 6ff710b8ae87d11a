#!/bin/sh
# From Container Apps' own variable names to Spin's: REDIS_HOST becomes the Spin variable redis_host,
# IDENTITY_ENDPOINT identity_endpoint, and so on. Spin's environment provider wants a prefix and
# Container Apps injects names without one, so they are copied. Nothing is printed.
#
#   deploy/spin/up.sh --listen 0.0.0.0:8080
set -eu

# WASI 0.3.0 came with 4.1; an older one cannot load the components, and says so in a hundred lines.
found=$(spin --version | cut -d ' ' -f 2)
major=${found%%.*}
rest=${found#*.}
minor=${rest%%.*}
case "$major.$minor" in
*[!0-9.]* | . | .* | *.)
    echo "up.sh: cannot read the version that spin --version says; this needs Spin 4.1 or later" >&2
    exit 2
    ;;
esac
if [ "$major" -lt 4 ] || { [ "$major" -eq 4 ] && [ "$minor" -lt 1 ]; }; then
    echo "up.sh: this is Spin $found, which does not have WASI 0.3.0; install 4.1 or later" >&2
    exit 2
fi

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
# Spin ends an instance after a second of quiet and after 128 requests, and with it the connection, the token and the
# last report: longer than the time between two probes, every probe is not the first one of its instance.
exec spin up --from "${SPIN_APP:-$(dirname "$0")/../../spin.toml}" \
    --idle-instance-timeout 60s --max-instance-reuse-count 10000 "$@"
