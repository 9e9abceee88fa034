"""Jobs: what runs in the background, how far it is, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Operator
from app.core.database import Base, BigId, Identified, UtcDateTime
from app.core.models import StoredFile


class JobState(StrEnum):
    """The life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Identified, Base):
    """One piece of background work.

    `cursor` says where a killed job goes on; it is written in the transaction of the chunk it
    follows. `events` tells the story: [moment, sentence] pairs.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"
        ),
        Index("ix_jobs_state", "state", "id"),
        Index("ix_jobs_created_by_id", "created_by_id", "id"),
    )

    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(10), default=JobState.QUEUED)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str | None] = mapped_column(Text)
    events: Mapped[list[Any]] = mapped_column(JSON, default=list)
    phase: Mapped[str] = mapped_column(String(120), default="")
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    attempts: Mapped[int] = mapped_column(BigInteger, default=0)
    # host:pid:start of the process that runs it, to tell a killed one from a slow one.
    worker: Mapped[str | None] = mapped_column(String(200))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id"))
    created_by_label: Mapped[str] = mapped_column(String(255))
    # The permissions of who asked, as they were then: the job may do no more.
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    channel: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_files.id"))

    created_by: Mapped[Operator | None] = relationship()
    file: Mapped[StoredFile | None] = relationship()


class JobUndo(Base):
    """Which job took back which. The key lets it happen only once, whoever asks at one time."""

    __tablename__ = "job_undos"
    __table_args__ = (UniqueConstraint("undo_job_id"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    undo_job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))


class JobNotice(Base):
    """The end of a job that whoever asked for it has not seen yet; it goes when they have."""

    __tablename__ = "job_notices"
    __table_args__ = (Index("ix_job_notices_operator_id", "operator_id", "job_id"),)

    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))


class JobRequest(Base):
    """A form that asked for a job, by the token drawn with it: sent twice, it starts one job."""

    __tablename__ = "job_requests"

    token: Mapped[str] = mapped_column(String(120), primary_key=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))


class JobLeftover(Identified, Base):
    """A record that a job left as it was, with the reason; `label` is what a person knows it by."""

    __tablename__ = "job_leftovers"
    __table_args__ = (Index(None, "job_id", "id"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    entity: Mapped[str] = mapped_column(String(60))
    entity_id: Mapped[int | None] = mapped_column(BigId)
    label: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(Text)
