"""`Holds`: what this instance believes to be on hold, so that its live calls keep away."""

import threading
import time
from collections.abc import Callable, Iterable

from shared.model.errors import StorageUnavailable
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, Lane

_LOOK_AGAIN_SECONDS = 5.0


class Holds:
    """Remembers holds by lane. It learns of one by its own failure, or once a minute from the table.

    The table is asked about a lane only while it is believed to be held, at most every five seconds.

    Args:
        read: Reads the state of a lane, None where it has none; raises StorageUnavailable.
        clock: Monotonic seconds.
    """

    def __init__(
        self, read: Callable[[Lane], LaneState | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[LaneState, float]] = {}  # by partition: people edit the other columns

    def check(self, lane: Lane) -> None:
        """Return if the lane's runs may be sent.

        Raises:
            OnHold: The lane, or everything, is on hold.
        """
        if not self._held:
            return
        for each in (EVERYTHING, lane):
            if each.key in self._held and (state := self._current(each)):
                raise state.error()

    def believe(self, state: LaneState) -> bool:
        """Note that a lane, or everything, is on hold; tell whether that is news to this instance."""
        with self._lock:
            is_new = state.partition not in self._held
            self._held[state.partition] = (state, self._clock() + _LOOK_AGAIN_SECONDS)
        return is_new

    def forget(self, lane: Lane) -> None:
        """Note that a lane, or everything, is on hold no more."""
        with self._lock:
            self._held.pop(lane.key, None)

    def learn(self, states: Iterable[LaneState]) -> None:
        """Take over what was read of all lanes."""
        until = self._clock() + _LOOK_AGAIN_SECONDS
        with self._lock:
            self._held = {state.partition: (state, until) for state in states if state.is_held}

    def _current(self, lane: Lane) -> LaneState | None:
        with self._lock:
            known, look_at = self._held.get(lane.key, (None, 0.0))
            if known is None or self._clock() < look_at:
                return known
            # One thread looks; the others go by what is known until it is back.
            self._held[lane.key] = (known, self._clock() + _LOOK_AGAIN_SECONDS)
        try:
            state = self._read(lane)
        except StorageUnavailable:
            return known
        if state is None or not state.is_held:
            self.forget(lane)
            return None
        self.believe(state)
        return state
