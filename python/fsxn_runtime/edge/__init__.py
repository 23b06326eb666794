"""Adapters to the outside that every capability shares: clients, logging, metrics, clock."""
