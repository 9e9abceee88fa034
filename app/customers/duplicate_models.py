"""Pairs of customers that may be one, and what people decided about them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, BigId, Identified, UtcDateTime
from app.customers.models import Customer


class PairState(StrEnum):
    """What became of a pair."""

    OPEN = "open"
    DISMISSED = "dismissed"
    MERGED = "merged"


class DuplicatePair(Identified, Base):
    """Two customers that look alike, the one with the smaller id first.

    `fingerprint` marks the data that were compared: a dismissed pair is taken up again only when
    they change. `job_id` is the merge, whose journal holds the way back.
    """

    __tablename__ = "duplicate_pairs"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        CheckConstraint("first_id < second_id", name="order"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint("state IN ('open', 'dismissed', 'merged')", name="state"),
        Index("ix_duplicate_pairs_state_score", "state", "score", "id"),
        Index("ix_duplicate_pairs_score", "score", "id"),
        Index("ix_duplicate_pairs_second_id", "second_id"),
    )

    first_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    score: Mapped[int] = mapped_column(Integer)
    reasons: Mapped[list[Any]] = mapped_column(JSON)
    fingerprint: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10), default=PairState.OPEN)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_label: Mapped[str | None] = mapped_column(String(255))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    decision_reason: Mapped[str | None] = mapped_column(String(400))
    # Which customer stayed in a merge, and the job that merged.
    winner_id: Mapped[int | None] = mapped_column(BigId)
    job_id: Mapped[int | None] = mapped_column(BigId)

    first: Mapped[Customer] = relationship(foreign_keys=[first_id])
    second: Mapped[Customer] = relationship(foreign_keys=[second_id])
