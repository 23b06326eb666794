"""The frame that every workload shares: starter, finisher, sweep; and the workloads themselves."""
