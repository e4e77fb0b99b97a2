/** Metrics that AWS's services make by themselves: names, and the sets of dimensions that AWS documents for them. */
export const AWS_METRICS: Record<string, { names: string[]; dimensions: string[][] }> = {
  // API Gateway's documentation, "Working with metrics for HTTP APIs"; by stage and route only where that is switched on.
  "AWS/ApiGateway": {
    names: ["4xx", "5xx", "Count", "IntegrationLatency", "Latency", "DataProcessed"],
    dimensions: [["ApiId"], ["ApiId", "Stage"]],
  },
  // Lambda's, "Types of metrics for Lambda functions"; without a dimension they are those of the account.
  "AWS/Lambda": {
    names: ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"],
    dimensions: [["FunctionName"], []],
  },
  // DynamoDB's, "DynamoDB metrics and dimensions".
  "AWS/DynamoDB": {
    names: [
      ...["ReadThrottleEvents", "WriteThrottleEvents"],
      ...["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"],
    ],
    dimensions: [["TableName"], ["TableName", "GlobalSecondaryIndexName"]],
  },
};
