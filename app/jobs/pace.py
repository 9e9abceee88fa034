"""How much a long write does in one commit, so that nobody who saves meanwhile waits long."""

from dataclasses import dataclass
from typing import Final

# On a busy machine, or one half as fast, it comes to twice as much for a while, and to the commit's
# own time: still less than what a person notices.
BLOCKED_SECONDS: Final = 0.07
FEWEST: Final = 100


@dataclass(slots=True)
class Pace:
    """As many rows at once as hold others up for a moment (BLOCKED_SECONDS), at most `most`.

    On SQLite whoever saves waits for the commit under way; everywhere whoever makes a customer
    does, for the next number.
    """

    most: int
    rows: int = 100

    def __post_init__(self) -> None:
        self.rows = min(self.rows, self.most)

    def learn(self, rows: int, seconds: float) -> None:
        """Choose the size of the next commit by how long this one took."""
        wanted = rows * BLOCKED_SECONDS / max(seconds, 0.001)
        self.rows = min(self.most, max(FEWEST, round((self.rows + wanted) / 2)))
