"""The rows that the app leaves in its tables, read as a person with access would read them."""

from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

OUTBOX = "airflowoutbox"
DEAD_LETTERS = "airflowdead"
LANE_STATE = "!"


def read_rows(connection_string: str, table: str) -> list[dict[str, Any]]:
    """Return every row of a table, the states of lanes included; none if there is no table."""
    with TableClient.from_connection_string(connection_string, table) as client:
        try:
            return [dict(row) for row in client.list_entities()]
        except ResourceNotFoundError:
            return []


def count_rows(connection_string: str, table: str) -> int:
    """Return the number of events in a table, without the states of lanes."""
    return sum(row["RowKey"] != LANE_STATE for row in read_rows(connection_string, table))
