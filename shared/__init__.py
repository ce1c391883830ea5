"""The app behind function_app.py: blob events in, Airflow DAG runs out. Imports `azure.functions` nowhere."""
