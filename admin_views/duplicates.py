"""Duplicates: the worklist of pairs that may be one customer; side by side, merge, and undo."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import Session, joinedload

from admin_views.access import needs
from admin_views.actions import Action, Ask
from admin_views.assets import address_of
from admin_views.base import KontorView
from admin_views.customer_record import RECORDS, kind_badge, main_address, state_badges
from admin_views.duplicate_sides import SIDES, Sides, changed_since, number, read_sides
from admin_views.formatters import Badge, Column, Link
from admin_views.history import value_in_words
from admin_views.jobs import register_job_page
from admin_views.records import register_badges
from admin_views.refusals import in_words
from app.accounts.identity import current_actor
from app.audit.rules import words
from app.core.actor import Actor
from app.core.errors import Conflict, KontorError, NotFound, Problem, Refused
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import duplicate_pairs, merge_undo, merging
from app.customers.collisions import record_address
from app.customers.duplicate_models import DuplicatePair, PairState
from app.customers.duplicate_pairs import OPEN_PAIRS, STATE_LABELS, WORKLIST
from app.customers.duplicate_rules import LABELS, Sign
from app.customers.models import Customer
from app.customers.rules import FIELD_LABELS
from app.extensions import db, transaction
from app.jobs import duplicates as jobs
from app.jobs.models import Job, JobState
from app.jobs.operations import ACTIVE

_COLOURS = {PairState.OPEN: "yellow", PairState.DISMISSED: "grey", PairState.MERGED: "green"}
_SIGN_COLOURS = {
    Sign.EMAIL: "green",
    Sign.PHONE: "blue",
    Sign.VAT_ID: "green",
    Sign.IBAN: "azure",
    Sign.NAME_BIRTH: "purple",
    Sign.NAME_STREET: "purple",
    Sign.NAME_POSTCODE: "purple",
    Sign.NAME: "purple",
}


def reasons(pair: DuplicatePair) -> list[Badge]:
    """Why the two may be one, as badges."""
    known = {sign.value for sign in Sign}
    signs = [Sign(one) for one in pair.reasons if one in known]
    return [Badge(LABELS[sign], _SIGN_COLOURS[sign]) for sign in signs]


def state_badge(pair: DuplicatePair) -> Badge:
    """What became of the pair."""
    state = PairState(pair.state)
    return Badge(STATE_LABELS[state], _COLOURS[state])


def who(customer: Customer) -> list[Any]:
    """Name, number, and where the customer is at home."""
    address = main_address(customer)
    place = " ".join(p for p in (address.postcode, address.place) if p) if address else ""
    return [
        customer.display_name,
        Markup('<span class="text-secondary fw-normal">{}</span>').format(
            " · ".join(part for part in (customer.number, place) if part)
        ),
        *([found] if (found := state_badges(customer)) else []),
    ]


def duplicate_badges(actor: Actor, customer: Customer) -> list[Badge]:
    """A hint on the record that somebody should look, for whoever may decide."""
    if customer.deleted_at is not None or not actor.may(Permission.CUSTOMERS_EDIT):
        return []
    waiting = duplicate_pairs.open_pairs_of(db.session(), customer.id)
    if not waiting:
        return []
    one = len(waiting) == 1
    url = (
        address_of("duplicates.details_view", id=waiting[0])
        if one
        else address_of("duplicates.index_view", q=customer.number)
    )
    text = "Possible duplicate" if one else "Possible duplicates"
    return [Badge(text, "yellow", "git-merge", url)]


def _dismiss(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    for one in ids:
        duplicate_pairs.dismiss(session, one, actor=actor, reason=answers.get("reason", ""))
    return "Noted: these are different customers."


def _again(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    for one in ids:
        duplicate_pairs.take_up_again(session, one, actor=actor)
    return "The pair waits for a decision again."


def _undo(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    for one in ids:
        jobs.undo(session, one, actor=actor)
    return "The merge was undone: both customers are as they were."


def _undoable(pair: DuplicatePair) -> bool:
    if pair.state != PairState.MERGED or pair.job_id is None:
        return False
    return merge_undo.can_undo(db.session(), pair.job_id)


class DuplicatesView(KontorView):
    """The worklist, and the page of each pair."""

    model_class = DuplicatePair
    label, singular = "Duplicates", "pair"
    menu_group, icon, endpoint_name = "Customers", "git-merge", "duplicates"
    permissions = {"view": Permission.CUSTOMERS_EDIT, "export": Permission.EXPORT}
    export_kind = "duplicates"
    list_template = "duplicates/list.html"
    search_hint = "Name, email, phone or number of either"
    empty_hint = "Look for duplicates: pairs that may be one customer appear here."
    columns = (
        Column("score", "Score", sort="score", numeric=True),
        Column("first", "Customer", lambda pair: who(pair.first), main=True),
        Column("second", "Looks like", lambda pair: who(pair.second)),
        Column("kind", "Kind", lambda pair: _kinds(pair)),
        Column("reasons", "Reasons", reasons),
        Column("state", "State", state_badge),
    )
    actions = (
        Action(
            "dismiss", "Not a duplicate", Permission.CUSTOMERS_EDIT, _dismiss, icon="user-x",
            confirm="{Are these two different customers|Are the customers of these # pairs "
            "different}? The pair comes back only when their data change.",
            ask=Ask("reason", "Reason", required=False, hint="Such as: father and son"),
            places=frozenset({"bulk", "record"}),
            shown=lambda pair: pair.state == PairState.OPEN,
        ),
        Action(
            "again", "Take up again", Permission.CUSTOMERS_EDIT, _again, icon="rotate",
            places=frozenset({"record"}), shown=lambda pair: pair.state == PairState.DISMISSED,
        ),
        Action(
            "undo", "Undo the merge", Permission.CUSTOMERS_DELETE, _undo, icon="arrow-back-up",
            confirm="Undo this merge? Both customers get back what they had.",
            places=frozenset({"record"}), shown=_undoable,
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """What waits for a decision, unless another state is asked for."""
        return WORKLIST if request.args.get("state") else OPEN_PAIRS

    def record_options(self) -> Sequence[Any]:
        return joinedload(DuplicatePair.first), joinedload(DuplicatePair.second)

    def headline(self, model: DuplicatePair) -> str:
        return f"{model.first.display_name} and {model.second.display_name}"

    # The search -----------------------------------------------------------------------------

    def running(self) -> Job | None:
        """The search under way."""
        return jobs.latest_search(db.session(), ACTIVE)

    def last_search(self) -> Job | None:
        """The last search that came to its end."""
        return jobs.latest_search(db.session(), frozenset({JobState.DONE}))

    def may_see(self, job: Job) -> bool:
        """Whether the progress of a search may be shown to this person."""
        actor = current_actor()
        own = job.created_by_id is not None and job.created_by_id == actor.operator_id
        return actor.may(Permission.JOBS_VIEW_ALL) or (own and actor.may(Permission.JOBS_VIEW))

    @expose("/find/", methods=("POST",))
    @needs(Permission.CUSTOMERS_EDIT)
    def find_view(self) -> ResponseReturnValue:
        """Look for duplicates over all customers, as a job."""
        try:
            with transaction() as session:
                jobs.start_search(session, actor=current_actor())
        except KontorError as refused:
            flash(str(refused), "warning")
        return redirect(self.get_url(".index_view"))

    # One pair -------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """The two side by side, or what became of them."""
        pair = self.record_or_404()
        if pair.state == PairState.MERGED:
            return self._show_merged(pair)
        if pair.first.deleted_at is not None or pair.second.deleted_at is not None:
            raise NotFound("One of the two customers was deleted in the meantime.")
        return self._show_sides(read_sides(db.session(), pair, None))

    @expose("/merge/", methods=("POST",))
    @needs(Permission.CUSTOMERS_DELETE)
    def merge_view(self) -> ResponseReturnValue:
        """What a merge would do; then the merge."""
        pair = self.record_or_404()
        if pair.state == PairState.MERGED:
            return self._lead_to_merged(pair)
        sides = read_sides(db.session(), pair, request.form)
        step = request.form.get("step", "")
        if step == "back":
            return self._show_sides(sides)
        try:
            if step == "merge":
                with in_words():
                    jobs.merge_now(sides.plan(), actor=current_actor())
                flash("The two are one customer now.", "success")
                return redirect(self.get_url(".details_view", id=request.form["id"]))
            told = merging.preview(db.session(), sides.plan(), actor=current_actor())
            db.session.rollback()
        except KontorError as error:
            db.session.rollback()
            pair = self.record_or_404()
            if pair.state == PairState.MERGED:  # by a second click, or by somebody else
                return self._lead_to_merged(pair)
            if isinstance(error, Conflict):
                return self._show_changed(str(error))
            if isinstance(error, Refused):
                return self._show_sides(self._sides_again(), problems=error.problems), 422
            raise
        return self.render(
            "duplicates/preview.html",
            pair=self.record_or_404(),
            sides=self._sides_again(),
            told=told,
            posted=[
                (name, value)
                for name, value in request.form.items(multi=True)
                if name not in {"csrf_token", "step"}
            ],
        )

    def _lead_to_merged(self, pair: DuplicatePair) -> ResponseReturnValue:
        flash("This pair was merged already.", "warning")
        return redirect(self.record_url(pair))

    def _sides_again(self) -> Sides:
        """The sides as they are now, with what was chosen."""
        return read_sides(db.session(), self.record_or_404(), request.form)

    def _show_changed(self, message: str) -> ResponseReturnValue:
        """The page again, with what others changed; what was chosen stays chosen."""
        db.session.rollback()
        posted = request.form.copy()
        seen = number(posted.pop("seen", None), 0)
        for side in SIDES:
            posted.pop(f"version-{side}", None)
        pair = self.record_or_404()
        sides = read_sides(db.session(), pair, posted)
        changes = changed_since(db.session(), pair, seen)
        return self._show_sides(sides, [Problem("", message)], changes), 409

    def _show_sides(
        self, sides: Sides, problems: Sequence[Problem] = (), changes: Sequence[Any] = ()
    ) -> str:
        actor = current_actor()
        return self.render(
            "duplicates/pair.html",
            model=sides.pair,
            sides=sides,
            problems=problems,
            changes=changes,
            reasons=reasons(sides.pair),
            state=state_badge(sides.pair),
            may_merge=actor.may(Permission.CUSTOMERS_DELETE),
            actions=[a for a in self.actions if a.shown(sides.pair) and actor.may(a.permission)],
            back=self.back_to_list(),
            record_address=record_address,
            kind_badge=kind_badge,
            words=lambda name: FIELD_LABELS.get(name, words(name)),
            value_in_words=value_in_words,
        )

    def _show_merged(self, pair: DuplicatePair) -> str:
        actor = current_actor()
        stays, goes = pair.first, pair.second
        if pair.winner_id == pair.second_id:
            stays, goes = goes, stays
        return self.render(
            "duplicates/merged.html",
            model=pair,
            stays=stays,
            goes=goes,
            job=db.session.get(Job, pair.job_id) if pair.job_id else None,
            state=state_badge(pair),
            actions=[a for a in self.actions if actor.may(a.permission) and a.shown(pair)],
            back=self.back_to_list(),
            record_address=record_address,
            may_see=self.may_see,
        )


def _kinds(pair: DuplicatePair) -> list[Badge]:
    return [kind_badge(kind) for kind in dict.fromkeys((pair.first.kind, pair.second.kind))]


def _page_of(job: Job) -> Link:
    return Link(
        "The pair in the worklist", f"/admin/duplicates/details/?id={job.params['pair_id']}"
    )


def _worklist(job: Job) -> Link:
    return Link("Duplicates", "/admin/duplicates/")


def views() -> list[KontorView]:
    """The views of this module."""
    register_job_page(jobs.MERGE, _page_of)
    register_job_page(jobs.FIND, _worklist)
    register_badges(RECORDS, duplicate_badges)
    return [DuplicatesView()]
