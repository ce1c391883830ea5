"""One file for each dialect of Airflow's REST API. Pure: requests out, results in."""
