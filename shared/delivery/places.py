"""The places where an event waits: see `shared.turn.Place`."""

from dataclasses import dataclass

from shared.model.pending import Parked
from shared.storage.outbox import Parking, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """The place of an event that came just now: a message is made when it has to wait."""

    parking: Parking

    def park(self, parked: Parked, *, delay_seconds: int) -> None:
        """See `Place`."""
        self.parking.park(parked, delay_seconds=delay_seconds)

    def leave(self) -> None:
        """Do nothing: there is no message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameMessage:
    """The place of an event that was parked: its message is changed or removed where it lies."""

    parking: Parking
    ticket: Ticket

    def park(self, parked: Parked, *, delay_seconds: int) -> None:
        """See `Place`."""
        self.parking.park_again(self.ticket, parked, delay_seconds=delay_seconds)

    def leave(self) -> None:
        """See `Place`."""
        self.parking.done(self.ticket)
