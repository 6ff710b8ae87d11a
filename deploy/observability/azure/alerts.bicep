// Alerts on what cache-health logs, and on the executions of its job.
//
//   az deployment group create --resource-group "$RG" --template-file deploy/observability/azure/alerts.bicep \
//     --parameters workspaceName=… actionGroupIds='["/subscriptions/…/actionGroups/on-call"]' jobName=shop-cache-check
//
// What the rules count is what the heartbeat says, so a failure that lasts keeps its alert, and a replica that is gone does
// not. Maintenance windows are alert processing rules, and not here.

@description('Name of the Log Analytics workspace that the Container Apps environment logs to, in this resource group.')
param workspaceName string

@description('Resource ids of the action groups that are told.')
param actionGroupIds array = []

@description('Name of the containers that cache-health runs in.')
param containerName string = 'cache-health'

@description('Name of the job that checks on a schedule, in this resource group; empty for none.')
param jobName string = ''

param location string = resourceGroup().location

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

// One function hides the three shapes that Container Apps' logs can have.
resource lines 'Microsoft.OperationalInsights/workspaces/savedSearches@2023-09-01' = {
  parent: workspace
  name: 'cache-health'
  properties: {
    category: 'cache-health'
    displayName: 'CacheHealth'
    functionAlias: 'CacheHealth'
    functionParameters: 'container:string="${containerName}"'
    query: loadTextContent('cache-health.kql')
    version: 2
  }
}

var rules = [
  {
    name: 'unusable'
    description: 'Replicas cannot use the cache. The alert names the kind and the step: docs/reference/failures.md.'
    severity: 1
    window: 'PT15M'
    range: 'PT15M'
    dimensions: [
      'App'
      'Failure'
      'Step'
    ]
    query: loadTextContent('rules/unusable.kql')
  }
  {
    name: 'degraded'
    description: 'The cache can be used, and something has needed attention for a quarter of an hour.'
    severity: 3
    window: 'PT15M'
    range: 'PT15M'
    dimensions: [
      'App'
    ]
    query: loadTextContent('rules/degraded.kql')
  }
  {
    name: 'no-heartbeat'
    description: 'An app is no longer watched, and was not scaled to zero.'
    severity: 2
    window: 'PT1H'
    range: 'P2D'
    dimensions: [
      'App'
    ]
    query: loadTextContent('rules/no-heartbeat.kql')
  }
  {
    name: 'certificate'
    description: 'The certificate of the cache ends within fourteen days.'
    severity: 2
    window: 'PT1H'
    range: 'PT1H'
    dimensions: [
      'App'
    ]
    query: loadTextContent('rules/certificate.kql')
  }
  {
    name: 'fallback'
    description: 'An access key is used where Microsoft Entra is preferred, or the secondary key.'
    severity: 3
    window: 'PT15M'
    range: 'PT15M'
    dimensions: [
      'App'
    ]
    query: loadTextContent('rules/fallback.kql')
  }
]

var jobRules = empty(jobName) ? [] : [
  {
    name: 'job-failed'
    description: 'The scheduled check failed.'
    severity: 1
    window: 'PT15M'
    range: 'PT15M'
    dimensions: [
      'Job'
      'Failure'
    ]
    query: loadTextContent('rules/job-failed.kql')
  }
]

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in concat(rules, jobRules): {
  name: 'cache-health-${rule.name}'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: 'cache-health: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [
      workspace.id
    ]
    evaluationFrequency: 'PT5M'
    windowSize: rule.window
    overrideQueryTimeRange: rule.range
    autoMitigate: true
    // A table that no app has logged to yet is not there.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          // An alert for each: one app that fails hides no other.
          dimensions: [for dimension in rule.dimensions: {
            name: dimension
            operator: 'Include'
            values: [
              '*'
            ]
          }]
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: actionGroupIds
    }
  }
  dependsOn: [
    lines
  ]
}]

resource job 'Microsoft.App/jobs@2025-01-01' existing = if (!empty(jobName)) {
  name: empty(jobName) ? 'none' : jobName
}

// Without any log: an execution of the job that ended with another exit code than 0. A series that is absent counts
// as 0.
resource metricAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(jobName)) {
  name: 'cache-health-job-executions'
  location: 'global'
  properties: {
    description: 'An execution of the scheduled check failed.'
    severity: 1
    enabled: true
    scopes: [
      job.id
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'failed'
          metricNamespace: 'Microsoft.App/jobs'
          metricName: 'Executions'
          // A new job has no series yet.
          skipMetricValidation: true
          dimensions: [
            {
              name: 'state'
              operator: 'Include'
              values: [
                'Failed'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [for id in actionGroupIds: {
      actionGroupId: id
    }]
  }
}
