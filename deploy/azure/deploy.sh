#!/usr/bin/env bash
# Puts cache-health beside an app that is there, in Azure Container Apps: the recipe's five steps,
# with the probe as a sidecar, so that what is checked is the app's own identity.
# docs/container-apps.md walks through it.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: APP_NAME=… RG=… REDIS_NAME=… deploy/azure/deploy.sh --image IMAGE [options]

  --image IMAGE           the image of cache-health, in a registry that the app can pull from
  --managed-redis         the cache is an Azure Managed Redis (port 10000)
  --user-assigned ID      resource id of a user-assigned identity, in place of the app's own
  --custom-policy         a policy of +set +get +ping on the key `health` alone, in place of the
                          built-in Data Contributor (Azure Cache for Redis only). It is the
                          identity's whole access: for an app that uses the cache itself, it is too little
  --access-key            also give the probe the primary key, as a secret, for the fallback
  --key-vault-secret URI  the key as a reference to a Key Vault secret, in place of its value
  --readiness VALUE       which faults take a replica out of rotation: cache (default), replica or
                          never (docs/readiness.md)
  --port PORT             the probe's port inside the replica (default 18080: 8080 is often taken)
  --dry-run               print every command and run none; needs no az
USAGE
}

image='' service=redis user_assigned='' policy='Data Contributor' key='' vault='' port=18080 readiness=cache dry_run=''
while [ $# -gt 0 ]; do
    case $1 in
    --image) image=${2:?--image needs a value} && shift ;;
    --managed-redis) service=redisenterprise ;;
    --user-assigned) user_assigned=${2:?--user-assigned needs a value} && shift ;;
    --custom-policy) policy="cache-health" ;;
    --access-key) key=yes ;;
    --key-vault-secret) vault=${2:?--key-vault-secret needs a value} && shift ;;
    --readiness) readiness=${2:?--readiness needs a value} && shift ;;
    --port) port=${2:?--port needs a value} && shift ;;
    --dry-run) dry_run=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && echo "unknown option: $1" >&2 && exit 2 ;;
    esac
    shift
done
# shellcheck source=deploy/azure/show.sh
. "$(dirname "$0")/show.sh"
recipe_variables
[ -n "$image" ] || { usage >&2 && echo 'say --image' >&2 && exit 2; }
case $port in *[!0-9]* | '') echo '--port must be a number' >&2 && exit 2 ;; esac
case $readiness in
cache | replica | never) ;;
*) echo '--readiness must be cache, replica or never' >&2 && exit 2 ;;
esac
if [ "$service" = redisenterprise ] && [ "$policy" != 'Data Contributor' ]; then
    echo '--custom-policy: Azure Managed Redis has no policies but its default' >&2 && exit 2
fi

app=(--name "$APP_NAME" --resource-group "$RG")

step() { printf '\n# %s\n' "$1"; }

# An assignment that is there: leaves it alone when it suffices, and says what it lacks when not. To widen
# the access of the app is for its owner to decide.
keep_or_refuse() {
    local name=$1 has=$2 permissions lacks=''
    case $has in
    'Data Owner' | 'Data Contributor') permissions='+@all ~*' ;;
    'Data Reader') permissions='+@read ~*' ;;
    *) permissions=$(ask '' az redis access-policy show "${cache[@]}" --access-policy-name "$has" \
        --query permissions --output tsv) ;;
    esac
    [[ " $permissions " =~ [[:space:]](\+set|\+@write|\+@all|allcommands)[[:space:]] ]] || lacks+=' +set'
    [[ " $permissions " =~ [[:space:]](\+get|\+@read|\+@all|allcommands)[[:space:]] ]] || lacks+=' +get'
    [[ " $permissions " =~ [[:space:]](~health|~\*|allkeys)[[:space:]] ]] || lacks+=' ~health'
    if [ -z "$lacks" ]; then
        printf '# The identity has access already: %s (%s). It stays as it is.\n' "$name" "$has"
        return
    fi
    cat >&2 <<SAID
The identity has an assignment already, $name with the policy "$has", and it lacks$lacks.
Azure allows one assignment per identity and cache, so this one has to be updated, which changes what the
app may do:
  az redis access-policy-assignment update --name $REDIS_NAME --resource-group $RG --policy-assignment-name $name --access-policy-name "Data Contributor" --object-id $principal --object-id-alias $APP_NAME
SAID
    exit 1
}

# Nothing secret is ever an argument: what is, every process of the machine can read.
umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step 'Step 1: a managed identity for the app'
client_id=''
if [ -n "$user_assigned" ]; then
    run az containerapp identity assign "${app[@]}" --user-assigned "$user_assigned"
    principal=$(ask '<principal-id>' az identity show --ids "$user_assigned" --query principalId --output tsv)
    client_id=$(ask '<client-id>' az identity show --ids "$user_assigned" --query clientId --output tsv)
else
    run az containerapp identity assign "${app[@]}" --system-assigned
    principal=$(ask '<principal-id>' az containerapp show "${app[@]}" --query identity.principalId --output tsv)
fi
[ -n "$principal" ] || { echo "the app $APP_NAME has no identity yet; run this again in a minute" >&2 && exit 1; }

step 'Step 2: access to the data of the cache'
# Not Data Owner, as in the recipe: the probe needs SET and GET, and Data Owner may flush the cache
# and change its configuration. The recipe also leaves out --policy-assignment-name, which is required.
# It is named after the identity: one of the same name would be replaced, and with it another app's
# access to the same cache.
# An identity has one assignment per cache, and Azure refuses a second. An app that uses the cache has it
# already, so it is looked for first; what it has is never taken away.
if [ "$service" = redisenterprise ]; then
    database=(--cluster-name "$REDIS_NAME" --resource-group "$RG" --database-name default)
    assigned=$(ask '' az redisenterprise database access-policy-assignment list "${database[@]}" \
        --query "[?user.objectId=='$principal'].name" --output tsv)
    if [ -n "$assigned" ]; then
        # There is one policy, default, and it suffices.
        printf '# The identity has access already: %s. It stays as it is.\n' "$assigned"
    else
        run az redisenterprise database access-policy-assignment create "${database[@]}" \
            --access-policy-assignment-name "cachehealth${principal//[!A-Za-z0-9]/}" \
            --access-policy-name default --object-id "$principal"
    fi
    host=$(ask "$REDIS_NAME.<region>.redis.azure.net" az redisenterprise show \
        --cluster-name "$REDIS_NAME" --resource-group "$RG" --query hostName --output tsv)
    redis_port=10000
else
    cache=(--name "$REDIS_NAME" --resource-group "$RG")
    assigned=$(ask '' az redis access-policy-assignment list "${cache[@]}" \
        --query "[?objectId=='$principal'].[name,accessPolicyName]" --output tsv)
    if [ -n "$assigned" ]; then
        keep_or_refuse "${assigned%%$'\t'*}" "${assigned#*$'\t'}"
    else
        if [ "$policy" = cache-health ]; then
            run az redis access-policy create "${cache[@]}" \
                --access-policy-name "$policy" --permissions '+set +get +ping ~health'
        fi
        run az redis access-policy-assignment create "${cache[@]}" \
            --policy-assignment-name "cache-health-$principal" --access-policy-name "$policy" \
            --object-id "$principal" --object-id-alias "$APP_NAME"
    fi
    host=$(ask "$REDIS_NAME.redis.cache.windows.net" az redis show "${cache[@]}" \
        --query hostName --output tsv)
    redis_port=6380
fi

step 'Step 3: settings of the app that are not secret'
container=$(ask "$APP_NAME" az containerapp show "${app[@]}" \
    --query "properties.template.containers[?name!='cache-health'] | [0].name" --output tsv)
run az containerapp update "${app[@]}" --container-name "$container" \
    --set-env-vars "REDIS_HOST=$host" "REDIS_PORT=$redis_port"

secret_env=''
if [ -n "$key$vault" ]; then
    step 'Step 5: an access key for the fallback, as a secret'
    if [ -n "$vault" ]; then
        run az containerapp secret set "${app[@]}" --secrets \
            "redis-access-key=keyvaultref:$vault,identityref:${user_assigned:-system}"
    else
        keys=(az redis list-keys --name "$REDIS_NAME")
        [ "$service" = redis ] || keys=(az redisenterprise database list-keys --cluster-name "$REDIS_NAME")
        ask '' "${keys[@]}" --resource-group "$RG" --query primaryKey --output tsv >"$scratch/key"
        run az containerapp secret set "${app[@]}" --secrets "redis-access-key=@$scratch/key"
    fi
    secret_env=',{"name":"REDIS_ACCESS_KEY","secretRef":"redis-access-key"}'
fi

step 'Step 4: the probe, in place of code of one'"'"'s own, as a sidecar'
[ -z "$client_id" ] || client_env=",{\"name\":\"AZURE_CLIENT_ID\",\"value\":\"$client_id\"}"
# Liveness and start-up never ask Redis: an outage must restart nobody. Readiness does, from a
# sample that is taken in the background, so one second is plenty.
sidecar=$(
    cat <<JSON
{"name":"cache-health","image":"$image","resources":{"cpu":0.25,"memory":"0.5Gi"},"env":[
{"name":"REDIS_HOST","value":"$host"},{"name":"REDIS_PORT","value":"$redis_port"},
{"name":"CACHE_HEALTH_LISTEN","value":"0.0.0.0:$port"},
{"name":"CACHE_HEALTH_ADMIN_LISTEN","value":"127.0.0.1:18081"},
{"name":"CACHE_HEALTH_READINESS","value":"$readiness"}${client_env:-}$secret_env],"probes":[
{"type":"Startup","httpGet":{"path":"/livez","port":$port},"periodSeconds":1,"timeoutSeconds":1,"failureThreshold":10},
{"type":"Liveness","httpGet":{"path":"/livez","port":$port},"periodSeconds":10,"timeoutSeconds":1,"failureThreshold":3},
{"type":"Readiness","httpGet":{"path":"/readyz","port":$port},"periodSeconds":5,"timeoutSeconds":1,"failureThreshold":3}]}
JSON
)
# The list of containers is replaced whole: the others stay as they are, an older sidecar goes.
query="{properties:{template:{containers:[properties.template.containers[?name!='cache-health'],\`[${sidecar//$'\n'/}]\`][]}}}"
ask '' az containerapp show "${app[@]}" --query "$query" --output json >"$scratch/app.json"
run az containerapp update "${app[@]}" --yaml "$scratch/app.json"
if [ -n "$key$vault" ]; then
    # A new value of a secret alone makes no new revision, and a running one keeps the old value.
    revision=$(ask '<latest-revision>' az containerapp show "${app[@]}" \
        --query properties.latestRevisionName --output tsv)
    run az containerapp revision restart "${app[@]}" --revision "$revision"
fi

verify=deploy/azure/verify.sh
[ "$service" = redis ] || verify+=' --managed-redis'
[ -z "$user_assigned" ] || verify+=" --user-assigned $(printf %q "$user_assigned")"
printf '\n# Then: APP_NAME=%q RG=%q REDIS_NAME=%q %s\n' "$APP_NAME" "$RG" "$REDIS_NAME" "$verify"
