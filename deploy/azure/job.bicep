// `cache-health check` on a schedule, with the identity that the app uses: the exit code decides
// whether an execution succeeded, and an alert on failed executions is an alert on the cache.

@description('Name of the job.')
param name string

param location string

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('The image of cache-health.')
param probeImage string

@description('Resource id of the user-assigned identity that the app uses.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

param redisHost string
param redisPort int

@description('When to check, in UTC.')
param cronExpression string = '*/5 * * * *'

resource job 'Microsoft.App/jobs@2025-01-01' = {
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
      triggerType: 'Schedule'
      // Seconds. A check ends by its own deadline of 15 s; the rest is for pulling the image.
      replicaTimeout: 120
      // The identity endpoint can start after the job does.
      replicaRetryLimit: 1
      scheduleTriggerConfig: {
        cronExpression: cronExpression
        parallelism: 1
        replicaCompletionCount: 1
      }
    }
    template: {
      containers: [
        {
          name: 'cache-health'
          image: probeImage
          args: [
            'check'
            '--format'
            'json'
            '--timeout'
            '15s'
          ]
          env: [
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
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
        }
      ]
    }
  }
}
