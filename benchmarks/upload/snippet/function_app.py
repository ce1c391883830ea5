"""The usual function: log in, start the DAG. As in answers and blog posts, for Airflow 2 (v1) or 3 (v2)."""

import os

import azure.functions as func
import requests
from azurefunctions.extensions.bindings import blob

app = func.FunctionApp()

BASE_URL = os.environ["AIRFLOW_BASE_URL"]
USER, PASSWORD = os.environ["AIRFLOW_USERNAME"], os.environ["AIRFLOW_PASSWORD"]


@app.blob_trigger(
    arg_name="client",
    path="%LANDING_PATH%",
    connection="LandingStorage",
    source=func.BlobSource.LOGS_AND_CONTAINER_SCAN,
)
def start_dag(client: blob.BlobClient) -> None:
    """Log in and post; a failure is the host's to retry."""
    conf = {"filename": client.blob_name, "container": client.container_name}
    if os.environ["AIRFLOW_API"] == "v1":
        url = f"{BASE_URL}/api/v1/dags/{os.environ['AIRFLOW_DAG_ID']}/dagRuns"
        answer = requests.post(url, auth=(USER, PASSWORD), json={"conf": conf}, timeout=60)
    else:
        login = {"username": USER, "password": PASSWORD}
        token = requests.post(f"{BASE_URL}/auth/token", json=login, timeout=60).json()["access_token"]
        answer = requests.post(
            f"{BASE_URL}/api/v2/dags/{os.environ['AIRFLOW_DAG_ID']}/dagRuns",
            headers={"Authorization": f"Bearer {token}"},
            json={"logical_date": None, "conf": conf},
            timeout=60,
        )
    answer.raise_for_status()
