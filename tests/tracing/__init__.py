"""OpenTelemetry's spans."""
