"""Router: takes file events from the ingestion queue to the event bus."""
