output "budget_names" {
  description = "Names of the budgets: all, and by workload."
  value       = { for key, budget in aws_budgets_budget.this : key => budget.name }
}

output "dashboard_name" {
  description = "Name of the dashboard; null without prices."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}
