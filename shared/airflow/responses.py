"""What Airflow's responses mean: one table from status and text to an error class, for all generations.

Measured against 1.10.15, 2.11.2 and 3.3.2. `docs/airflow.md` shows the same rows; a test compares the two.
"""

import msgspec

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

INVALID_JWT = "invalid jwt token"
"""How Airflow 3 says that a token is not its own, with the status of a missing permission (403)."""

_DAG = "dag with dag_id: '{dag_id}'"

RULES: tuple[ResponseRule, ...] = (
    ResponseRule(range(200, 300), Body.OURS, ResponseKind.CREATED, "all"),
    ResponseRule(range(200, 300), Body.PAGE, AirflowNotFound, "a log-in page, a wrong base URL"),
    ResponseRule(range(200, 300), Body.ANY, NotAirflow, "a proxy, a truncated body"),
    ResponseRule(range(300, 400), Body.ANY, AirflowNotFound, "a redirect to a log-in page; never followed"),
    ResponseRule(
        _is(400), Body.ERROR, ResponseKind.EXISTS, "1.10", text="run id {run_id} already exists for dag id"
    ),
    ResponseRule(_is(400), Body.ERROR, DagBroken, "2, 3", text=f"{_DAG} has import errors"),
    ResponseRule(
        _is(400),
        Body.ERROR,
        DagBroken,
        "3: `allowed_run_types` of the DAG",
        text=f"{_DAG} does not allow manual runs",
    ),
    ResponseRule(_is(400), Body.ERROR, RunRefused, "2, 3: params that fail, a reserved run id, a bad field"),
    ResponseRule(
        _is(401),
        Body.ANY,
        CredentialsRefused,
        "3: expired token; 1.10, 3: none sent",
        question=CredentialsRefused,
    ),
    ResponseRule(
        _is(403),
        Body.ERROR,
        CredentialsRefused,
        "3: a token signed with another key",
        text=INVALID_JWT,
        question=Forbidden,
    ),
    ResponseRule(
        _is(403),
        Body.OBJECT,
        CredentialsRefused,
        "2: a bad password",
        is_listing_rejected=True,
        question=Forbidden,
    ),
    ResponseRule(_is(403), Body.OBJECT, Forbidden, "2, 3: the role lacks a permission", question=Forbidden),
    ResponseRule(
        _is(403), Body.ANY, CredentialsRefused, "1.10: bad password; a gateway's page", question=Forbidden
    ),
    ResponseRule(_is(404), Body.ERROR, DagMissing, "all", text=DAG_NOT_FOUND),
    ResponseRule(
        range(404, 406), Body.ANY, AirflowNotFound, "another generation's Airflow, a wrong base URL"
    ),
    ResponseRule(_is(408), Body.ANY, AirflowUnclear, "a proxy"),
    ResponseRule(
        _is(409),
        Body.ERROR,
        ResponseKind.EXISTS,
        "2",
        text="dagrun with dag id: '{dag_id}' and dagrun id: '{run_id}' already exists",
    ),
    ResponseRule(
        _is(409), Body.ANY, ResponseKind.CONFLICT, "2: a taken logical date; 3: that or a repeated run id"
    ),
    ResponseRule(_is(413), Body.ANY, RunRefused, "a proxy: the conf is larger than it lets through"),
    ResponseRule(_is(422), Body.ERROR, RunRefused, "3: a field of the wrong type"),
    ResponseRule(_is(429), Body.ANY, AirflowBusy, "a gateway", question=AirflowBusy),
    ResponseRule(
        range(500, 600),
        Body.ANY,
        AirflowUnclear,
        "all: a locked database, two posts at once, a gateway's 502",
        question=AirflowUnreachable,
    ),
    ResponseRule(
        range(100, 1_000), Body.ANY, NotAirflow, "a gateway: JSON of its own, a page, any other status"
    ),
)
"""The first rule that matches counts; the last one matches everything."""


class Triggered(msgspec.Struct, frozen=True, kw_only=True):
    """What a trigger call led to: the rule that its response matched, and the response."""

    rule: ResponseRule
    response: Response

    def summary(self, run: RunRequest) -> str:
        """Return what Airflow answered, for messages."""
        return (
            f"Airflow answered {self.response.status} to triggering {run.dag_id!a}: "
            f"{self.response.error_detail}"
        )

    def error(self, run: RunRequest, kind: type[BlobToDagError], what_to_do: str) -> BlobToDagError:
        """Return an error of this kind with what Airflow answered and what to do about it."""
        message = f"{self.summary(run).rstrip('.')}. {what_to_do}".strip()
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


def refused(response: Response) -> CredentialsRefused:
    """Return the error for a question that is answered as if the user was not known."""
    return CredentialsRefused(
        f"Airflow answered {response.status} to checking the log-in: {response.error_detail}",
        retry_after_seconds=response.retry_after_seconds(),
    )


def unexpected(response: Response, *, doing: str) -> RetryableError:
    """Return the error for a response that is not what a question asked for; a question creates nothing."""
    kind = next(rule.question for rule in RULES if response.status in rule.statuses)
    return kind(
        f"Airflow answered {response.status} to {doing}: {response.error_detail}",
        retry_after_seconds=response.retry_after_seconds(),
    )
