"""Which collections a bank file or a payment block of it holds."""

from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.sepa.models import Collection, RunFile, SequenceType


def in_file(session: Session, file: RunFile) -> Any:
    """The condition for the collections of a file.

    It holds a stretch of its run's collections, in the order in which files are written: by
    sequence type and id (run_files.py).
    """
    kind, key = Collection.sequence_type, Collection.id
    before = session.scalar(
        select(func.coalesce(func.sum(RunFile.collection_count), 0)).where(
            RunFile.run_id == file.run_id, RunFile.part < file.part
        )
    )
    own = select(kind, key).where(Collection.run_id == file.run_id).order_by(kind, key)
    first = session.execute(own.offset(before).limit(1)).one()
    last = session.execute(own.offset(before + file.collection_count - 1).limit(1)).one()
    return and_(
        Collection.run_id == file.run_id,
        or_(kind > first[0], and_(kind == first[0], key >= first[1])),
        or_(kind < last[0], and_(kind == last[0], key <= last[1])),
    )


def in_block(session: Session, file: RunFile, block_id: str) -> Any:
    """The condition for the collections of a payment block, which ends in its sequence type."""
    sequence = block_id.rpartition("-")[2]
    wanted = sequence if sequence in set(SequenceType) else ""
    return and_(in_file(session, file), Collection.sequence_type == wanted)
