"""The Airflow client: one interface, a small file for each dialect of its REST API."""
