"""Routes: which blob starts which DAG, with what conf. Pure but for reading the file; see docs/routes.md."""
