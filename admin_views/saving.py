"""Creating, editing, deleting and acting: one operation each, its refusals placed at the fields."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.helpers import get_redirect_target
from sqlalchemy.orm import Session

from admin_views import once, written
from admin_views.access import acting
from admin_views.actions import Action
from admin_views.conflict import Comparer, changed_by
from admin_views.forms import KontorForm
from admin_views.history import history_of
from admin_views.reading import Reading
from admin_views.records import RecordTab, actions_for
from admin_views.refusals import AlreadyMade, in_one, in_words
from admin_views.walk import came_from
from app.accounts.identity import current_actor
from app.audit.queries import entries_since, last_entry
from app.core import submissions
from app.core.actor import Actor
from app.core.errors import Conflict, KontorError, NotFound, Problem, Refused
from app.core.filters import identifier
from app.core.text import clean_lines
from app.extensions import db, transaction

MOST_IDS = 500


class Saving(Reading):
    """What a KontorView does on POST."""

    form_class: ClassVar[type[KontorForm] | None] = None
    create_form_class: ClassVar[type[KontorForm] | None] = None
    actions: ClassVar[Sequence[Action]]
    tabs: ClassVar[Sequence[RecordTab]] = ()
    endpoint_name: ClassVar[str]
    # Under which name features hang tabs and actions onto the records; several views may share one.
    records_name: ClassVar[str] = ""
    label: ClassVar[str]
    singular: ClassVar[str]

    # What a view declares -------------------------------------------------------------------

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Any:
        """Call the operation that creates; return the new record or its id."""
        raise NotImplementedError

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """Call the operation that changes the record."""
        raise NotImplementedError

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Call the operation that deletes."""
        raise NotImplementedError

    def form_data(self, model: Any) -> Mapping[str, Any]:
        """The stored values as the form's fields name them; by default equally named attributes."""
        assert self.form_class is not None
        return {n: getattr(model, n) for n in self.form_class()._fields if hasattr(model, n)}

    def prepare_form(self, form: Any, model: Any) -> None:
        """Set choices, and remove what this person may not change. `model` is None for a new one.

        Runs before the form reads what was posted, so a removed field cannot be posted either.
        """

    def editable(self, model: Any) -> bool:
        """Tell whether this record may be edited at all, by whoever may edit here."""
        return True

    def delete_question(self) -> str:
        """What is asked before deleting; see `Action.confirm` for the number in it."""
        return f"Delete {{this {self.singular}|# {self.singular}s}}? This cannot be taken back."

    @property
    def hung_under(self) -> str:
        """The name under which features hang things onto these records."""
        return self.records_name or self.endpoint_name

    def all_actions(self) -> Sequence[Action]:
        """The declared actions, those that features hang on, and Delete where it is allowed."""
        found = {one.name: one for one in (*self.actions, *actions_for(self.hung_under))}
        if "delete" not in self.permissions:
            return list(found.values())
        delete = Action(
            name="delete",
            label="Delete",
            permission=self.permissions["delete"],
            perform=self._delete,
            icon="trash",
            confirm=self.delete_question(),
            danger=True,
            places=frozenset({"bulk", "record", "row"}),
        )
        return [*found.values(), delete]

    # Forms ------------------------------------------------------------------------------------

    def make_form(self, model: Any = None, posted: Any = None) -> KontorForm:
        """The form: empty, with stored values, or with what was posted."""
        form = self.form_for(model)()
        self.prepare_form(form, model)
        if posted is not None:
            form.process(posted)
            return form
        form.process(
            None, data=dict(self.form_data(model) if model is not None else self.new_data())
        )
        return form

    def form_for(self, model: Any) -> type[KontorForm]:
        """The form's class; for a view whose fields depend on what there is. None: a new record."""
        form_class = self.form_class if model is not None else self._class_for_new()
        assert form_class is not None
        return form_class

    def new_data(self) -> Mapping[str, Any]:
        """What a new record starts with, besides the defaults of its fields."""
        return {}

    def _class_for_new(self) -> type[KontorForm] | None:
        return self.create_form_class or self.form_class

    def get_create_form(self) -> type[KontorForm]:
        """For the library, which must not scaffold a form of its own."""
        return self._class_for_new() or KontorForm

    def get_edit_form(self) -> type[KontorForm]:
        """For the library, which must not scaffold a form of its own."""
        return self.form_class or KontorForm

    # Routes -------------------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """A new record."""
        if self._class_for_new() is None:
            abort(404)
        if request.method == "GET":
            return self._show_form(self.make_form(), None)
        form = self.make_form(posted=request.form)
        left: list[Problem] = []
        if form.validate():
            try:
                made = self.create_model(form)
            except AlreadyMade as same:
                return self._lead_to(same.record_id)
            except KontorError as error:
                left = self._place(form, error)
            else:
                flash(f"The {self.singular} was created.", "success")
                return redirect(self._after_saving(made))
        earlier = self._made_before()
        if earlier is not None:  # what it was refused for is the record that it has made itself
            return self._lead_to(earlier.record_id)
        return self._show_form(form, None, left)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """An existing record. What was typed stays on the page whatever happens."""
        if self.form_class is None:
            abort(404)
        model = self.record_or_404()
        if not self.editable(model):
            abort(403)
        key = self.get_pk_value(model)
        if request.method == "GET":
            form = self.make_form(model)
            return self._show_form(form, model, stored=form)
        if not _same_version(model, request.form.get("_version")):
            # Before anything is judged: what was typed may be wrong only against what is new.
            return self._show_conflict()
        form = self.make_form(model, request.form)
        left: list[Problem] = []
        if form.validate():
            try:
                self.update_model(form, model)
            except Conflict:
                return self._show_conflict()
            except NotFound as error:  # gone meanwhile: keep what was typed, with nothing to edit
                return self._show_form(form, None, [Problem("", str(error))])
            except KontorError as error:
                left = self._place(form, error)
            else:
                flash(f"The {self.singular} was saved.", "success")
                return redirect(self._after_saving(key))
        return self._show_form(form, model, left)

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """One record deleted."""
        action = next((a for a in self.all_actions() if a.name == "delete"), None)
        if action is None:
            abort(404)
        return self._act(action, [request.form.get("id", "")])

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """An action on the chosen records."""
        wanted = request.form.get("action", "")
        action = next((a for a in self.all_actions() if a.name == wanted), None)
        if action is None:
            abort(404)
        if not current_actor().may(action.permission):
            abort(403)
        # A button at the end of a row names its record in the address it posts to.
        return self._act(action, request.form.getlist("rowid") or request.args.getlist("rowid"))

    # The library's names for saving -------------------------------------------------------------

    def create_model(self, form: KontorForm) -> Any:
        """Create in one transaction. Raises what the operation refuses.

        Raises AlreadyMade where the same request has come before.
        """
        key = once.key_of_request()
        with in_words(), transaction() as session:
            earlier = submissions.claim(session, key) if key else None
            if earlier is not None:
                raise AlreadyMade(earlier.record_id)
            made = self.perform_create(session, form, current_actor())
            session.flush()
            if isinstance(made, list | tuple):
                made = made[0] if made else None
            if made is not None and not isinstance(made, int):
                made = self.get_pk_value(made)
            if key:
                submissions.remember(session, key, made)
            return made

    def update_model(self, form: KontorForm, model: Any) -> bool:
        """Change in one transaction. Raises Conflict if the record was changed meanwhile."""
        key = self.get_pk_value(model)
        with in_words(), transaction() as session:
            fresh = self.find(session, key)
            if fresh is None:
                raise NotFound(f"This {self.singular} is no longer there.")
            if not _same_version(fresh, request.form.get("_version")):
                raise Conflict("Somebody else has changed this meanwhile.")
            self.perform_update(session, fresh, form, acting())
        return True

    def delete_model(self, model: Any) -> bool:
        """Delete in one transaction. Raises what the operation refuses."""
        with in_words(), transaction() as session:
            self.perform_delete(session, [self.get_pk_value(model)], current_actor())
        return True

    # Inner works ---------------------------------------------------------------------------------

    def _delete(
        self, session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor
    ) -> str:
        self.perform_delete(session, ids, actor)
        what = f"The {self.singular} was" if len(ids) == 1 else f"{len(ids)} {self.singular}s were"
        return f"{what} deleted."

    def _act(self, action: Action, raw_ids: Sequence[str]) -> ResponseReturnValue:
        back = self.back_to_list()
        try:
            ids = sorted({identifier(raw) for raw in raw_ids[:MOST_IDS]})
        except ValueError:
            abort(400)
        if not ids:
            flash("Nothing was chosen. Tick the records first.", "warning")
            return redirect(back)
        if (action.confirm or action.ask) and request.form.get("_confirmed") != "yes":
            # The script that asks first did not run: the question is a page of its own.
            return self.render(
                "admin/confirm.html",
                action=action,
                ids=ids,
                back=back,
                question=action.question(len(ids)),
            )
        try:
            with in_words(), transaction() as session:
                here = self.in_scope(session, ids)
                if not here:
                    raise NotFound("The chosen records are no longer there.")
                message = action.perform(session, here, _answers(action), current_actor())
        except KontorError as error:
            flash(in_one(error), "danger")
        else:
            flash(message, "success")
            if len(here) < len(ids):
                flash(f"{len(ids) - len(here)} chosen records were no longer there.", "warning")
        return redirect(get_redirect_target() or back)

    def _place(self, form: KontorForm, error: KontorError) -> list[Problem]:
        if isinstance(error, Refused):
            # By its class: a form may have a field of this name.
            return KontorForm.place(form, error.problems)
        return [Problem("", str(error))]

    def _made_before(self) -> submissions.Earlier | None:
        """What the posted form has made already, as the database knows it now."""
        key = once.key_of_request()
        db.session.rollback()  # another request may have made it since this one began to read
        return submissions.find(db.session(), key) if key else None

    def _lead_to(self, record_id: int | None) -> ResponseReturnValue:
        """The record that the same form has made, where it is still there."""
        flash(f"This {self.singular} had been created already; it was not created twice.", "info")
        there = record_id is not None and self.find(db.session(), record_id) is not None
        return redirect(self._after_saving(record_id if there else None))

    def _show_form(
        self,
        form: KontorForm,
        model: Any,
        left: Sequence[Problem] = (),
        *,
        stored: KontorForm | None = None,
        **conflict: Any,
    ) -> ResponseReturnValue:
        """The form's page. `stored` is the form of what is stored, where it is shown anew.

        A form that comes back keeps what it was opened with: what somebody saved meanwhile is
        found when it is sent again.
        """
        if stored is not None:
            version, base = getattr(model, "version", None), self._sealed(model, stored)
        else:
            version, base = request.form.get("_version"), request.form.get(written.FIELD, "")
        self.read_labels(form)
        return self.render(
            self.edit_template if model is not None else self.create_template,
            form=form,
            model=model,
            version=version,
            base=base,
            once=(request.form.get(once.FIELD) or once.mark()) if model is None else "",
            left=left,
            cancel_url=get_redirect_target() or self._record_or_list(model),
            **conflict,
        )

    def _sealed(self, model: Any, stored: KontorForm) -> str:
        """What is stored now, for the next comparison; nothing for what has no versions."""
        if getattr(model, "version", None) is None:
            return ""
        about = history_of(self.tabs, model)
        last = last_entry(db.session(), about) if about is not None else 0
        opened = written.Opened(written.values_of(stored), last)
        return written.seal(self.endpoint_name, self.get_pk_value(model), opened)

    def _show_conflict(self) -> ResponseReturnValue:
        """The form with what both people want, and what each of them has changed."""
        model = self.record_or_404()
        key = self.get_pk_value(model)
        opened = written.unseal(request.form.get(written.FIELD), self.endpoint_name, key)
        base = self.make_form(model, written.posted(opened.values)) if opened else None
        stored = self.make_form(model, written.posted(written.values_of(self.make_form(model))))
        result = Comparer(self, base, self.make_form(model, request.form), stored).compare()
        form = self.make_form(model, written.posted(result.values))
        about = history_of(self.tabs, model)
        last = opened.last_entry if opened else None
        entries = entries_since(db.session(), about, last) if about is not None else []
        by = changed_by(entries, [one.top for one in result.differences])
        return self._show_form(
            form, model, stored=stored, comparison=result, entries=entries, by=by
        )

    def _after_saving(self, made: Any) -> str:
        key = made if isinstance(made, int) else self.get_pk_value(made) if made else None
        if key is None:
            return self.back_to_list()
        return get_redirect_target() or self.get_url(".details_view", id=key, **came_from(self))

    def _record_or_list(self, model: Any) -> str:
        if model is None:
            return self.back_to_list()
        return self.get_url(".details_view", id=self.get_pk_value(model), **came_from(self))


def _same_version(model: Any, posted: str | None) -> bool:
    version = getattr(model, "version", None)
    return version is None or posted == str(version)


def _answers(action: Action) -> dict[str, str]:
    if action.ask is None:
        return {}
    answer = clean_lines(request.form.get(action.ask.name)) or ""
    if action.ask.required and not answer:
        raise Refused.because(f"{action.ask.label} is missing", field=action.ask.name)
    if len(answer) > action.ask.max_length:
        raise Refused.because(
            f"{action.ask.label} has {len(answer)} characters; "
            f"at most {action.ask.max_length} are allowed",
            field=action.ask.name,
        )
    return {action.ask.name: answer}
