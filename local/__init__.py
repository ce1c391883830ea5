"""The local stack: Azurite, Airflow and the app in a host, all on this machine."""
