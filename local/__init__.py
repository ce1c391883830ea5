"""The local stack: Azurite, a real Airflow, and the app in a host, all on this machine."""
