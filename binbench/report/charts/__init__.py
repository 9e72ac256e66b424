"""Pictures of rows: one module per chart, found by registration."""
