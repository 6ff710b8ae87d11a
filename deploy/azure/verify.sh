#!/usr/bin/env bash
# The recipe's verification, point by point, each with its cure:
#   1. the access policy assignment exists
#   2. the logs show successful SET and GET
#   3. clients use TLS on the TLS port
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: APP_NAME=… RG=… REDIS_NAME=… deploy/azure/verify.sh [options]

  --managed-redis     the cache is an Azure Managed Redis
  --user-assigned ID  resource id of the user-assigned identity that the app uses
  --dry-run           print every command and run none; needs no az
Exit code 0 when every point passes, 1 when one does not.
USAGE
}

service=redis user_assigned='' dry_run=''
while [ $# -gt 0 ]; do
    case $1 in
    --managed-redis) service=redisenterprise ;;
    --user-assigned) user_assigned=${2:?--user-assigned needs a value} && shift ;;
    --dry-run) dry_run=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && echo "unknown option: $1" >&2 && exit 2 ;;
    esac
    shift
done
# shellcheck source=deploy/azure/show.sh
. "$(dirname "$0")/show.sh"
recipe_variables

# What cannot be asked is a point that fails, and the others still count.
try() { ask "$@" || true; }

failed=0
# judge POINT CURE CONDITION…
judge() {
    local point=$1 cure=$2 && shift 2
    if [ -n "$dry_run" ]; then
        printf '  would say pass or fail: %s\n' "$point"
    elif "$@"; then
        printf 'PASS  %s\n' "$point"
    else
        printf 'FAIL  %s\n      %s\n' "$point" "$cure"
        failed=1
    fi
}
# A here-string and not a pipe: with pipefail, grep -q leaving early would count as a failure.
# Called by judge.
# shellcheck disable=SC2317
has() { grep -Eq -- "$2" <<<"$1"; }

app=(--name "$APP_NAME" --resource-group "$RG")
if [ "$service" = redisenterprise ]; then
    cache=(--cluster-name "$REDIS_NAME" --resource-group "$RG") tls_port=10000
else
    cache=(--name "$REDIS_NAME" --resource-group "$RG") tls_port=6380
fi

printf '# 1. The access policy assignment exists\n'
if [ -n "$user_assigned" ]; then
    principal=$(try '<principal-id>' az identity show --ids "$user_assigned" --query principalId --output tsv)
else
    principal=$(try '<principal-id>' az containerapp show "${app[@]}" --query identity.principalId --output tsv)
fi
if [ "$service" = redisenterprise ]; then
    assigned=$(try '' az redisenterprise database access-policy-assignment list "${cache[@]}" \
        --database-name default --query "[?user.objectId=='$principal'].accessPolicyName" --output tsv)
else
    assigned=$(try '' az redis access-policy-assignment list "${cache[@]}" \
        --query "[?objectId=='$principal'].accessPolicyName" --output tsv)
fi
judge "the app's identity ${principal:-(none)} is assigned: ${assigned:-nothing}" \
    'run deploy/azure/deploy.sh again; an identity that was removed and made anew has another id' \
    test -n "$principal" -a -n "$assigned"

printf '\n# 2. The logs show successful SET and GET\n'
log=$(try '' az containerapp logs show "${app[@]}" --container cache-health --tail 300 --format text)
for command in SET GET; do
    judge "the log says \"$command succeeded\"" \
        'look at the log for "failed" and its error; /healthz names the step and the remedy. The lines are written when a connection first works: restart the revision if it is older than the log' \
        has "$log" "$command succeeded"
done
# The verdict is logged whenever it changes: what worked once may have failed since.
verdict=$(grep -E '"message":"verdict"' <<<"$log" | tail -n 1 || true)
judge 'the newest verdict is not fail' \
    'look at /healthz: it names the step and the remedy' test "${verdict/\"status\":\"fail\"/}" = "$verdict"
cat <<'KQL'
  In Log Analytics, with the function of deploy/observability/azure/alerts.bicep:
    CacheHealth()
    | where Message in ("SET succeeded", "GET succeeded")
    | project TimeGenerated, App, Replica, Message, Method, Port, Tls
    | order by TimeGenerated desc
KQL

printf '\n# 3. Clients use TLS on port %s\n' "$tls_port"
if [ "$service" = redisenterprise ]; then
    protocol=$(try '' az redisenterprise database show "${cache[@]}" --query clientProtocol --output tsv)
    judge "the database takes encrypted clients only (${protocol:-unknown})" \
        'az redisenterprise database update … --client-protocol Encrypted' test "$protocol" = Encrypted
    least=$(try '' az redisenterprise show "${cache[@]}" --query minimumTlsVersion --output tsv)
    cure="az redisenterprise update ${cache[*]} --minimum-tls-version 1.2"
else
    plain=$(try '' az redis show "${cache[@]}" --query enableNonSslPort --output tsv)
    judge "the port without TLS is off (enableNonSslPort ${plain:-unknown})" \
        "az redis update ${cache[*]} --set enableNonSslPort=false" test "$plain" = false
    least=$(try '' az redis show "${cache[@]}" --query minimumTlsVersion --output tsv)
    cure="az redis update ${cache[*]} --set minimumTlsVersion=1.2"
fi
judge "the least TLS version is 1.2 (${least:-unknown})" \
    "$cure" has "$least" '^1\.[23]$'
judge "the probe's own sessions were TLS 1.2 or 1.3 on port $tls_port" \
    "look at \`tls\` in /healthz, and at REDIS_PORT" \
    has "$log" "SET succeeded.*\"port\":$tls_port.*\"tls\":\"TLSv1\.[23]\""

exit "$failed"
