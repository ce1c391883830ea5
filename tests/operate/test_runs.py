"""`dags` with an Airflow that does not tell everything."""

import pytest

from tests.operate.conftest import Run
from tests.support.airflow_server import Exchange, airflow_server

pytestmark = pytest.mark.stack


def test_dags_are_checked_by_a_role_that_may_not_see_import_errors(
    run: Run, settings: dict[str, str]
) -> None:
    """As the least role that starts runs."""

    def refuse(exchange: Exchange) -> bool:
        is_asked = exchange.path.endswith("/importErrors")
        if is_asked:
            exchange.answer(403, {"detail": "Forbidden"})
        return is_asked

    with airflow_server(faults=[refuse]) as airflow:
        settings["AIRFLOW_BASE_URL"] = airflow.base_url
        shown = run("dags", "--check")

    assert shown.status == 0
    assert "copy_file  ready" in shown.out
