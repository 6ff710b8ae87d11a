// Access to the data of a cache for one identity: what `deploy.sh` does in step 2.
// Not Data Owner, as in the recipe: the probe needs SET and GET, and Data Owner may flush the cache.

@description('Name of the cache.')
param redisName string

@description('True for Azure Managed Redis, false for Azure Cache for Redis.')
param managedRedis bool

@description('Object id of the identity.')
param principalId string

@description('What the identity is called in the list of assignments.')
param alias string

resource cache 'Microsoft.Cache/redis@2024-11-01' existing = if (!managedRedis) {
  name: redisName
}

resource assignment 'Microsoft.Cache/redis/accessPolicyAssignments@2024-11-01' = if (!managedRedis) {
  parent: cache
  // After the identity: one of the same name would be replaced, and with it another app's access.
  name: 'cache-health-${principalId}'
  properties: {
    accessPolicyName: 'Data Contributor'
    objectId: principalId
    objectIdAlias: alias
  }
}

resource managedCache 'Microsoft.Cache/redisEnterprise@2025-07-01' existing = if (managedRedis) {
  name: redisName
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' existing = if (managedRedis) {
  parent: managedCache
  name: 'default'
}

// Letters and digits only in its name; `default` is the only policy there is.
resource managedAssignment 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = if (managedRedis) {
  parent: database
  name: 'cachehealth${replace(principalId, '-', '')}'
  properties: {
    accessPolicyName: 'default'
    user: {
      objectId: principalId
    }
  }
}
