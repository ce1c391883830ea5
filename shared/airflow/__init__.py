"""The Airflow client: one interface for all generations of its REST API."""
