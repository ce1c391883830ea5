"""Routes: which blob starts which DAG, with what conf. Pure, except for reading the file."""
