// An app with cache-health as a sidecar. Both containers have the app's identity, so a green probe
// says that the app itself can use the cache.

@description('Name of the Container App.')
param name string

param location string

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('The image of the app itself.')
param appImage string

@description('The port that the app listens on.')
param appPort int

@description('The image of cache-health.')
param probeImage string

@description('Resource id of the user-assigned identity that app and probe share.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

param redisHost string
param redisPort int

@description('An access key for the fallback; empty for none.')
@secure()
param redisAccessKey string

@description('The port of the probe. Containers of a replica share its network, and 8080 may be the app\'s.')
param probePort int = 18080

@description('Which faults take a replica out of rotation: docs/readiness.md.')
@allowed([
  'cache'
  'replica'
  'never'
])
param readiness string = 'cache'

var hasKey = !empty(redisAccessKey)

var redisSettings = [
  {
    name: 'REDIS_HOST'
    value: redisHost
  }
  {
    name: 'REDIS_PORT'
    value: string(redisPort)
  }
  {
    name: 'AZURE_CLIENT_ID'
    value: identityClientId
  }
]

var serve = [
  {
    name: 'CACHE_HEALTH_LISTEN'
    value: '0.0.0.0:${probePort}'
  }
  // What is in the replica may see the details here; nothing outside reaches it.
  {
    name: 'CACHE_HEALTH_ADMIN_LISTEN'
    value: '127.0.0.1:18081'
  }
  {
    name: 'CACHE_HEALTH_READINESS'
    value: readiness
  }
]

var keySetting = hasKey ? [
  {
    name: 'REDIS_ACCESS_KEY'
    secretRef: 'redis-access-key'
  }
] : []

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: appPort
      }
      // For production a reference to Key Vault: { name, keyVaultUrl, identity }.
      secrets: hasKey ? [
        {
          name: 'redis-access-key'
          value: redisAccessKey
        }
      ] : []
    }
    template: {
      containers: [
        {
          name: name
          image: appImage
          env: redisSettings
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
        {
          name: 'cache-health'
          image: probeImage
          env: concat(redisSettings, serve, keySetting)
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          probes: [
            // Up within milliseconds; ten seconds are for a busy node.
            {
              type: 'Startup'
              httpGet: {
                path: '/livez'
                port: probePort
              }
              periodSeconds: 1
              timeoutSeconds: 1
              failureThreshold: 10
            }
            // Never asks Redis: an outage must restart nobody.
            {
              type: 'Liveness'
              httpGet: {
                path: '/livez'
                port: probePort
              }
              periodSeconds: 10
              timeoutSeconds: 1
              failureThreshold: 3
            }
            // From a sample in the background, so one second is plenty. With two failing samples ten
            // seconds apart and three failing probes five apart, a replica that cannot use its cache
            // is out of rotation in about half a minute, and a hiccup takes none out.
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: probePort
              }
              periodSeconds: 5
              timeoutSeconds: 1
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 3
      }
    }
  }
}
