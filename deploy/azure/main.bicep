// The recipe, declaratively: an identity, its access to the cache, an app with the probe as a
// sidecar, and a job that checks on a schedule.
//
//   az deployment group create --resource-group "$RG" --template-file deploy/azure/main.bicep \
//     --parameters appName=shop appImage=… probeImage=… environmentId=… redisName=… redisHost=…
//
// A user-assigned identity, so that app and job can share it. For an app that is there and has a
// system-assigned one, use deploy.sh: it adds the sidecar and leaves the rest as it is.

@description('Name of the Container App.')
param appName string

@description('The image of the app itself.')
param appImage string

@description('The port that the app listens on.')
param appPort int = 8080

@description('The image of cache-health, in a registry that the environment can pull from.')
param probeImage string

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('Name of the cache, in this resource group.')
param redisName string

@description('Host name of the cache: <name>.redis.cache.windows.net or <name>.<region>.redis.azure.net.')
param redisHost string

@description('True for Azure Managed Redis, false for Azure Cache for Redis.')
param managedRedis bool = false

@description('An access key for the fallback; empty for none.')
@secure()
param redisAccessKey string = ''

@description('Which faults take a replica out of rotation: docs/readiness.md.')
@allowed([
  'cache'
  'replica'
  'never'
])
param readiness string = 'cache'

param location string = resourceGroup().location

var redisPort = managedRedis ? 10000 : 6380

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${appName}-cache'
  location: location
}

module access 'access.bicep' = {
  name: 'cache-access'
  params: {
    redisName: redisName
    managedRedis: managedRedis
    principalId: identity.properties.principalId
    alias: appName
  }
}

module app 'app.bicep' = {
  name: 'app-with-probe'
  params: {
    name: appName
    location: location
    environmentId: environmentId
    appImage: appImage
    appPort: appPort
    probeImage: probeImage
    identityId: identity.id
    identityClientId: identity.properties.clientId
    redisHost: redisHost
    redisPort: redisPort
    redisAccessKey: redisAccessKey
    readiness: readiness
  }
  // An identity without access would only make a first revision that is not ready.
  dependsOn: [
    access
  ]
}

module job 'job.bicep' = {
  name: 'scheduled-check'
  params: {
    name: '${appName}-cache-check'
    location: location
    environmentId: environmentId
    probeImage: probeImage
    identityId: identity.id
    identityClientId: identity.properties.clientId
    redisHost: redisHost
    redisPort: redisPort
  }
  dependsOn: [
    access
  ]
}
