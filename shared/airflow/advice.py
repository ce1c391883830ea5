"""`advice`: what to do about an error, where Airflow's own text does not say it."""

from collections.abc import Mapping

from shared.model.errors import (
    AirflowNotFound,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
    Forbidden,
    NotAirflow,
)

_ADDRESS = "Is AIRFLOW_BASE_URL the address of Airflow itself?"
_ADVICE: Mapping[type[BlobToDagError], str] = {
    AirflowNotFound: _ADDRESS,
    CredentialsRefused: "Check the credentials, and whether the user is active.",
    DagBroken: "Fix the DAG file; the run will be retried.",
    Forbidden: "Allow the role of the app's user to create runs of this DAG.",
    NotAirflow: _ADDRESS,
}

_NO_LOG_IN = "AIRFLOW_AUTH=none sends no credentials, and Airflow wants some: set AIRFLOW_AUTH."
_REFUSED: Mapping[str, str] = {
    "v1": (
        "Airflow 2 says so for three reasons: its API takes no passwords (in airflow.cfg, below [api], set "
        "auth_backends = airflow.api.auth.backend.basic_auth; the default, session, takes none); the "
        "password is wrong or the user inactive; or its role lacks permissions (can_create and can_read on "
        "DAG Runs, can_read on DAGs, can_edit on the DAG)."
    ),
    "experimental": (
        "Airflow 1.10 says so for two reasons: its API takes no passwords (in airflow.cfg, below [api], set "
        "auth_backend = airflow.contrib.auth.backends.password_auth; the default, deny_all, refuses all), or "
        "the password is wrong. It has no roles."
    ),
}
_FORBIDDEN: Mapping[str, str] = {
    "v1": (
        "Allow the role of the app's user to create runs of this DAG: can_create on DAG Runs, and can_edit "
        "on the DAG."
    ),
}


def advice(kind: type[BlobToDagError], *, api: str = "", auth: str = "") -> str:
    """Return what to do about an error; empty where the error itself says it.

    Args:
        kind: Of the error.
        api: Name of the dialect, where it is known.
        auth: How the app logs in, where that is known.
    """
    if kind is CredentialsRefused and auth == "none":
        return _NO_LOG_IN
    if kind is CredentialsRefused and auth in {"", "basic"} and api in _REFUSED:
        return _REFUSED[api]
    if kind is Forbidden and api in _FORBIDDEN:
        return _FORBIDDEN[api]
    return _ADVICE.get(kind, "")
