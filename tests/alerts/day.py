"""A day of the app, on tables in memory: lines that the app really wrote, for the workbook."""

import logging
import random
from datetime import datetime

from shared.jobs.outbox_report import OutboxReport
from shared.model.errors import AirflowUnreachable, DagMissing, RunRefused
from shared.model.run_request import RunRequest
from tests.alerts.workspace import Workspace
from tests.support.fakes import lane_routes
from tests.support.harness import OutboxHarness


class Day:
    """Twelve hours with an outage, a file that Airflow refuses, and at last a DAG that is missing.

    Attributes:
        workspace: Has every line, at the time of the app's own clock.
    """

    def __init__(self) -> None:
        self.workspace = Workspace()
        self._random = random.Random(7)  # noqa: S311  (no secret)
        self._rows: list[dict[str, object]] = []
        self._is_down = False
        self._app = OutboxHarness(lane_routes("orders", "invoices"))
        self._app.airflow.answer = self._answer
        logger = logging.Logger("day", logging.INFO)  # noqa: LOG001  (of this day alone)
        logger.addFilter(self._keep)
        self._app.log._logger = logger
        self._report = OutboxReport(
            outbox=self._app.outbox,
            dead_letters=self._app.dead_letters,
            log=self._app.log,
            timing=self._app.timing,
        )
        for hour in range(12):
            self._pass_hour(hour)
        self.workspace.add("AppTraces", self._rows)

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self._app.clock.time()

    def _pass_hour(self, hour: int) -> None:
        count = 12 + 4 * min(hour, 12 - hour)
        end = self._app.clock.now + 3_600
        for number in range(count):
            self._is_down = hour == 5 and number < count // 2
            route = "invoices" if number % 3 == 0 else "orders"
            self._app.arrive(f"{route}/{hour:02}-{number:02}.csv")
            self._app.pass_time(3_000 / count, tick=30)
            self._report.write(self._app.clock() + 15)
        self._app.pass_time(end - self._app.clock.now, tick=60)
        self._report.write(self._app.clock() + 15)

    def _answer(self, run: RunRequest) -> None:
        self._app.clock.now += self._random.lognormvariate(-0.7, 0.6)
        name = str(run.conf["filename"])
        if self._is_down:
            message = "Airflow cannot be reached (connection refused)."
            raise AirflowUnreachable(message)
        if name.startswith("invoices/11"):
            message = "Airflow has no DAG 'invoices'. Check its name, and that its file is deployed."
            raise DagMissing(message)
        if name in {"orders/03-04.csv", "orders/08-10.csv"}:
            message = "Airflow refused the run: Param 'day' is required."
            raise RunRefused(message)

    def _keep(self, record: logging.LogRecord) -> bool:
        trace = f"{len(self._rows):032x}"
        self._rows.append(
            {"TimeGenerated": self._app.clock.time(), "Message": record.getMessage(), "OperationId": trace}
        )
        return False
