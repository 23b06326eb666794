# The state machine's definition: the workload's own steps, and around them what every workload needs. How an error is
# handled depends on its branch (python/fsxn_runtime/errors.py): what may heal is tried again here, what needs a person
# or another file ends the execution under the branch's name, and the finisher decides about the rest.

locals {
  # One call of one function, unless the caller brings steps of its own.
  _process = {
    StartAt = "Process"
    States = {
      Process = {
        Type     = "Task"
        Resource = "arn:${var.context.partition}:states:::lambda:invoke"
        Parameters = {
          FunctionName = var.process_function_arn
          "Payload.$"  = "$"
        }
        OutputPath = "$.Payload"
        End        = true
      }
    }
  }
  _steps = jsondecode(var.steps == null ? jsonencode(local._process) : var.steps.definition)
  # Which language reads the frame's own states follows from the steps: one machine may not mix them downwards.
  _is_jsonata = try(local._steps.QueryLanguage, "JSONPath") == "JSONata"

  _retry = [
    # A fault that may heal gets half a minute; then the finisher decides.
    {
      ErrorEquals     = ["TransientError", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.ServiceException"]
      IntervalSeconds = 2
      BackoffRate     = 2
      MaxAttempts     = 4
      MaxDelaySeconds = 60
      JitterStrategy  = "FULL"
    },
    # Lambda's refusal for want of concurrency is no fault of the file and lasts as long as the storm: most of half an hour.
    {
      ErrorEquals     = ["Lambda.TooManyRequestsException"]
      IntervalSeconds = 5
      BackoffRate     = 2
      MaxAttempts     = 30
      MaxDelaySeconds = 60
      JitterStrategy  = "FULL"
    },
    # Somebody else was first: look again soon.
    {
      ErrorEquals     = ["ConflictError"]
      IntervalSeconds = 1
      BackoffRate     = 2
      MaxAttempts     = 3
      MaxDelaySeconds = 10
      JitterStrategy  = "FULL"
    },
  ]
  # The names under which AWS reports the two branches that are not tried again, and the ends they lead to.
  _ends = {
    Misconfigured = ["MisconfiguredError", "Lambda.ResourceNotFoundException", "States.Permissions"]
    Rejected      = ["RejectedError", "States.DataLimitExceeded"]
  }
  _catch = [for end, errors in local._ends : { ErrorEquals = errors, Next = end }]
  _frame = { Catch = local._catch, Retry = local._retry }

  # A step that brings its own Retry or Catch keeps it as it is.
  _framed_steps = {
    for name, state in local._steps.States : name => merge(state, {
      for field, rules in local._frame : field => rules
      if contains(["Map", "Parallel", "Task"], try(state.Type, "")) && !can(state[field])
    })
  }
  _end_states = {
    for end, _ in local._ends : end => merge(
      { Type = "Fail", Error = "${end}Error" },
      { for field, value in { Cause = "{% $states.input.Cause %}" } : field => value if local._is_jsonata },
      { for field, value in { CausePath = "$.Cause" } : field => value if !local._is_jsonata },
    )
  }

  _definition = merge(local._steps, {
    Comment        = "One piece of work, once in effect. A failure ends the execution; the finisher decides about the next attempt."
    States         = merge(local._framed_steps, local._end_states)
    TimeoutSeconds = var.execution_timeout_seconds
  })
}

# What the steps must be for that. AWS checks the whole language when the machine is made; this is said at plan.
locals {
  _next_of = {
    for name, state in local._steps.States : name => concat(
      [for target in [try(state.Next, null), try(state.Default, null)] : target if target != null],
      [for choice in try(state.Choices, []) : choice.Next],
      [for catcher in try(state.Catch, []) : catcher.Next],
    )
  }
  _targets = distinct(concat([local._steps.StartAt], flatten(values(local._next_of))))
  _missing = setsubtract(local._targets, concat(keys(local._steps.States), keys(local._ends)))
  _idle    = setsubtract(keys(local._steps.States), local._targets)
  # Choice has its ways, Succeed and Fail are ends; every other state says where it goes, or that it ends: one of both.
  _endless = [
    for name, state in local._steps.States : name
    if !contains(["Choice", "Fail", "Succeed"], try(state.Type, "")) && can(state.Next) == try(state.End, false)
  ]
  _unknown = [
    for name, state in local._steps.States : name
    if !contains(["Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"], try(state.Type, ""))
  ]
}
