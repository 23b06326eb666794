# What the largest costs are now, by workload: usage that AWS measures times list prices, in USD. The bill is right where
# both differ: it knows free tiers and discounts, and comes a day later.
locals {
  _tag         = "Workload"
  _shared      = "shared"
  _transitions = 3 # of an execution of module workload's state machine: start, Process, end
  _period      = 300

  # USD of one unit.
  _usd = { for key, price in var.prices : key => tonumber(price.usd) / tonumber(price.per) }

  _lambda_drivers = length(var.prices) == 0 ? {} : {
    for owner, functions in merge({ for name, workload in var.workloads : name => workload.functions }, { (local._shared) = var.shared_functions }) :
    owner => flatten([
      for part, function in functions : [
        {
          label  = "Lambda requests, ${part}"
          metric = ["AWS/Lambda", "Invocations", "FunctionName", function.function_name]
          usd    = local._usd["lambda.request"]
        },
        {
          label  = "Lambda time, ${part}"
          metric = ["AWS/Lambda", "Duration", "FunctionName", function.function_name] # milliseconds
          usd    = local._usd["lambda.gb_second.arm64"] * function.memory_mb / 1024 / 1000
        },
        {
          label  = "log, ${part}"
          metric = ["AWS/Logs", "IncomingBytes", "LogGroupName", "/aws/lambda/${function.function_name}"]
          usd    = local._usd["logs.gb"] / 1000000000
        },
      ]
    ])
  }

  _drivers = length(var.prices) == 0 ? {} : merge(
    {
      for name, workload in var.workloads : name => concat(
        [
          {
            label  = "state transitions"
            metric = ["AWS/States", "ExecutionsStarted", "StateMachineArn", workload.state_machine_arn]
            usd    = local._usd["stepfunctions.transition"] * local._transitions
          },
          {
            label  = "DynamoDB writes, state"
            metric = ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", workload.state_table_name]
            usd    = local._usd["dynamodb.write_unit"]
          },
        ],
        local._lambda_drivers[name],
      )
    },
    {
      (local._shared) = concat(
        [
          {
            label  = "events on the bus"
            metric = [var.operations.metric_namespace, "RouterEventsSent_count"]
            usd    = local._usd["eventbridge.event"]
          },
          {
            label  = "DynamoDB writes, lineage"
            metric = ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", var.lineage_table_name]
            usd    = local._usd["dynamodb.write_unit"]
          },
        ],
        local._lambda_drivers[local._shared],
      )
    },
  )

  _owners = sort(keys(local._drivers))
}

resource "aws_cloudwatch_dashboard" "this" {
  count = length(var.prices) > 0 ? 1 : 0

  dashboard_name = "${var.context.name_prefix}-cost"
  dashboard_body = jsonencode({
    widgets = [
      for place, owner in local._owners : {
        height = 6
        type   = "metric"
        width  = 12
        x      = 12 * (place % 2)
        y      = 6 * floor(place / 2)

        properties = {
          region  = var.context.region
          stacked = true
          title   = "Cost drivers in USD, ${owner}"
          view    = "timeSeries"
          yAxis   = { left = { min = 0 } }
          metrics = concat(
            [
              for number, driver in local._drivers[owner] :
              concat(driver.metric, [{ id = "m${number}", period = local._period, stat = "Sum", visible = false }])
            ],
            [
              for number, driver in local._drivers[owner] :
              [{ expression = "m${number} * ${replace(format("%.15f", driver.usd), "/0+$/", "")}", id = "e${number}", label = driver.label, period = local._period }]
            ],
          )
        }
      }
    ]
  })
}
