"""What Airflow's responses mean: one table from status and text to an error class, for all generations.

Measured against 1.10.15, 2.11.2 and 3.3.2. `docs/airflow.md` shows the same rows; a test compares the two.
"""

from dataclasses import dataclass

from shared.airflow.response import Response
from shared.airflow.response_rule import Body, ResponseKind, ResponseRule
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    Forbidden,
    NotAirflow,
    RetryableError,
    RunRefused,
)
from shared.model.run_request import RunRequest


def _is(status: int) -> range:
    return range(status, status + 1)


DAG_NOT_FOUND = r"(the )?dag (with )?(dag_)?id\b.* not found"
"""How all generations say that a DAG does not exist."""

_ADDRESS = "Is AIRFLOW_BASE_URL the address of Airflow itself?"
_CREDENTIALS = "Check the credentials, and whether the user is active."
_FIX = "Fix the DAG file; the run will be retried."

RULES: tuple[ResponseRule, ...] = (
    ResponseRule(statuses=range(200, 300), body=Body.OURS, outcome=ResponseKind.CREATED, seen="all"),
    ResponseRule(
        statuses=range(200, 300),
        outcome=NotAirflow,
        seen="a log-in page, a proxy, a truncated body",
        advice=_ADDRESS,
    ),
    ResponseRule(
        statuses=range(300, 400),
        outcome=AirflowNotFound,
        seen="a redirect to a log-in page; never followed",
        advice=_ADDRESS,
    ),
    ResponseRule(
        statuses=_is(400),
        body=Body.ERROR,
        text="run id {run_id} already exists for dag id",
        outcome=ResponseKind.EXISTS,
        seen="1.10",
    ),
    ResponseRule(
        statuses=_is(400),
        body=Body.ERROR,
        text="dag with dag_id: '{dag_id}' has import errors",
        outcome=DagBroken,
        seen="2, 3",
        advice=_FIX,
    ),
    ResponseRule(
        statuses=_is(400),
        body=Body.ERROR,
        text="dag with dag_id: '{dag_id}' does not allow manual runs",
        outcome=DagBroken,
        seen="3: `allowed_run_types` of the DAG",
        advice=_FIX,
    ),
    ResponseRule(
        statuses=_is(400),
        body=Body.ERROR,
        outcome=RunRefused,
        seen="2, 3: params that fail, a reserved run id, a bad field",
    ),
    ResponseRule(
        statuses=_is(401),
        outcome=CredentialsRefused,
        question=CredentialsRefused,
        seen="3: expired token; 1.10, 3: none sent",
        advice=_CREDENTIALS,
    ),
    ResponseRule(
        statuses=_is(403),
        body=Body.ERROR,
        text="invalid jwt token",
        outcome=CredentialsRefused,
        question=Forbidden,
        seen="3: a token signed with another key",
        advice=_CREDENTIALS,
    ),
    ResponseRule(
        statuses=_is(403),
        body=Body.OBJECT,
        is_listing_rejected=True,
        outcome=CredentialsRefused,
        question=Forbidden,
        seen="2: a bad password",
        advice=_CREDENTIALS,
    ),
    ResponseRule(
        statuses=_is(403),
        body=Body.OBJECT,
        outcome=Forbidden,
        question=Forbidden,
        seen="2, 3: the role lacks a permission",
        advice="Allow the role of the app's user to create runs of this DAG.",
    ),
    ResponseRule(
        statuses=_is(403),
        outcome=CredentialsRefused,
        question=Forbidden,
        seen="1.10: bad password; a gateway's page",
        advice=_CREDENTIALS,
    ),
    ResponseRule(
        statuses=_is(404),
        body=Body.ERROR,
        text=DAG_NOT_FOUND,
        outcome=DagMissing,
        seen="all",
    ),
    ResponseRule(
        statuses=range(404, 406),
        outcome=AirflowNotFound,
        seen="another generation's Airflow, a wrong base URL",
        advice=_ADDRESS,
    ),
    ResponseRule(statuses=_is(408), outcome=AirflowUnclear, seen="a proxy"),
    ResponseRule(
        statuses=_is(409),
        body=Body.ERROR,
        text="dagrun with dag id: '{dag_id}' and dagrun id: '{run_id}' already exists",
        outcome=ResponseKind.EXISTS,
        seen="2",
    ),
    ResponseRule(
        statuses=_is(409),
        outcome=ResponseKind.CONFLICT,
        seen="2: a taken logical date; 3: that or a repeated run id",
    ),
    ResponseRule(
        statuses=_is(413), outcome=RunRefused, seen="a proxy: the conf is larger than it lets through"
    ),
    ResponseRule(statuses=_is(422), body=Body.ERROR, outcome=RunRefused, seen="3: a field of the wrong type"),
    ResponseRule(statuses=_is(429), outcome=AirflowBusy, question=AirflowBusy, seen="a gateway"),
    ResponseRule(
        statuses=range(500, 600),
        outcome=AirflowUnclear,
        question=AirflowUnreachable,
        seen="all: a locked database, two posts at once, a gateway's 502",
    ),
    ResponseRule(
        statuses=range(100, 1_000),
        outcome=NotAirflow,
        seen="a gateway: JSON of its own, a page, any other status",
        advice=_ADDRESS,
    ),
)
"""The first rule that matches counts; the last one matches everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """What a trigger call led to: the rule that its response matched, and the response."""

    rule: ResponseRule
    response: Response

    def summary(self, run: RunRequest) -> str:
        """Return what Airflow answered, for messages."""
        return (
            f"Airflow answered {self.response.status} to triggering {run.dag_id!a}: "
            f"{self.response.error_detail}"
        )

    def error(self, run: RunRequest, kind: type[BlobToDagError]) -> BlobToDagError:
        """Return an error of this kind with what Airflow answered and what to do about it."""
        message = f"{self.summary(run)}. {self.rule.advice}".strip()
        if issubclass(kind, RetryableError):
            return kind(message, retry_after_seconds=self.response.retry_after_seconds())
        return kind(message)


def classify(
    response: Response,
    run: RunRequest,
    *,
    error_key: str,
    is_ours: bool,
    is_listing_rejected: bool = False,
) -> Triggered:
    """Return what a response to a trigger call means.

    Args:
        response: The response.
        run: What was asked for.
        error_key: Where this generation of Airflow puts the text of an error.
        is_ours: Whether the body holds our run id where this generation puts it.
        is_listing_rejected: Whether Airflow has rejected a request for the list of DAGs since.
    """
    rule = next(
        rule
        for rule in RULES
        if rule.matches(
            response,
            run,
            error_key=error_key,
            is_ours=is_ours,
            is_listing_rejected=is_listing_rejected,
        )
    )
    return Triggered(rule=rule, response=response)


def unexpected(response: Response, *, doing: str) -> RetryableError:
    """Return the error for a response that is not what a question asked for; a question creates nothing."""
    kind = next(rule.question for rule in RULES if response.status in rule.statuses)
    return kind(
        f"Airflow answered {response.status} to {doing}: {response.error_detail}",
        retry_after_seconds=response.retry_after_seconds(),
    )
