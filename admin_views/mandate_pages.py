"""What is done with one mandate besides editing it: amend, sign, print, and its document."""

from dataclasses import replace
from typing import Any

from flask import Response, abort, current_app, flash, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.helpers import get_redirect_target
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.http import dump_options_header

from admin_views.access import needs
from admin_views.formatters import masked
from admin_views.forms import KontorForm
from admin_views.mandate_forms import AmendForm, SignForm, take_masks
from admin_views.refusals import in_words
from app.accounts.identity import current_actor
from app.core import clock, storage
from app.core.errors import Conflict, KontorError, NotFound, Problem, Refused
from app.core.filters import identifier
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.sepa.amending import AMENDABLE, Amendment, amend_mandate
from app.sepa.mandate_documents import (
    MOST_BYTES,
    hand_out_document,
    keep_document,
    sign_mandate,
)
from app.sepa.mandate_forms import accounts_for, language_for, print_mandate
from app.sepa.mandate_words import LANGUAGES
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import LIVING

CUSTOMERS_ACCOUNT = "customer"  # ?to=customer: amend to the account that the customer has now


def sees_ibans() -> bool:
    """Whether this person may see IBANs in full."""
    return current_actor().may(Permission.BANK_DETAILS_VIEW)


class MandatePages:
    """The pages; MandatesView is what they belong to."""

    record_or_404: Any
    render: Any
    get_url: Any
    find: Any
    record_url: Any

    @expose("/amend/", methods=("GET", "POST"))
    @needs(Permission.MANDATES_EDIT)
    def amend_view(self) -> ResponseReturnValue:
        """Another account, holder or reference; what the bank knows is kept until it is told."""
        mandate = self.record_or_404()
        if MandateState(mandate.state) not in AMENDABLE:
            flash(f"A mandate that is {mandate.state} cannot be amended.", "warning")
            return redirect(self.record_url(mandate))
        wanted = self._amended_to(mandate)
        form = AmendForm()
        if not sees_ibans():
            take_masks(form.iban, wanted.iban, mandate.iban)
        if request.method == "GET":
            shown = wanted if sees_ibans() else replace(wanted, iban=masked(wanted.iban) or "")
            form.process(None, obj=shown)
            return self._page("mandates/amend.html", form, mandate, wanted=wanted)
        form.process(request.form)
        left: list[Problem] = []
        if form.validate():
            new = _amendment(form)
            try:
                with in_words(), transaction() as session:
                    fresh = self._unchanged(session, mandate.id)
                    amend_mandate(session, fresh, new, actor=current_actor())
            except KontorError as error:
                left = _placed(form, error)
            else:
                flash(
                    "The mandate was amended. The bank is told with the next collection.", "success"
                )
                return redirect(self._onward(mandate))
        return self._page("mandates/amend.html", form, mandate, left, wanted=wanted)

    @expose("/sign/", methods=("GET", "POST"))
    @needs(Permission.MANDATES_EDIT)
    def sign_view(self) -> ResponseReturnValue:
        """The day of the signature and the signed document; a draft is active then."""
        mandate = self.record_or_404()
        draft = mandate.state == MandateState.DRAFT
        if MandateState(mandate.state) not in LIVING:
            flash(f"A mandate that is {mandate.state} takes no new document.", "warning")
            return redirect(self.record_url(mandate))
        form = SignForm()
        if not draft:
            del form.signed_on
        if request.method == "GET":
            form.process(None)
            return self._page("mandates/sign.html", form, mandate)
        posted: list[Any] = [request.files, request.form]
        form.process(CombinedMultiDict(posted))
        left: list[Problem] = []
        if form.validate():
            try:
                upload = request.files.get("document")
                content = upload.stream.read(MOST_BYTES + 1) if upload and upload.filename else b""
                kept = keep_document(content) if upload and upload.filename else None
                with in_words(), transaction() as session:
                    fresh = self._unchanged(session, mandate.id)
                    sign_mandate(
                        session, fresh, actor=current_actor(), document=kept,
                        signed_on=form.signed_on.data if draft else None,
                    )  # fmt: skip
            except KontorError as error:
                left = _placed(form, error)
            else:
                flash("The mandate is active." if draft else "The document was kept.", "success")
                return redirect(self._onward(mandate))
        return self._page("mandates/sign.html", form, mandate, left)

    @expose("/document/")
    @needs(Permission.BANK_DETAILS_VIEW)
    def document_view(self) -> ResponseReturnValue:
        """The signed document, always as a download: no browser is to run what somebody sent in."""
        key = self.record_or_404().id
        with transaction() as session:
            stored = hand_out_document(session, self.find(session, key), actor=current_actor())
            name, media_type, size = stored.name, stored.media_type, stored.size
        content = storage.chunks(self.find(db.session(), key).document)
        return _download(stream_with_context(content), name, media_type, size)

    @expose("/form/")
    @needs(Permission.MANDATES_VIEW)
    def form_view(self) -> ResponseReturnValue:
        """In which language the form is printed, and for which of our accounts."""
        mandate = self.record_or_404()
        country = current_app.config["SETTINGS"].country
        return self.render(
            "mandates/print.html",
            model=mandate,
            languages=LANGUAGES,
            language=language_for(mandate.customer, country),
            accounts=accounts_for(db.session(), mandate),
            back=get_redirect_target() or self.record_url(mandate),
            masked=not sees_ibans(),
        )

    @expose("/form/download/")
    @needs(Permission.MANDATES_VIEW)
    def form_download_view(self) -> ResponseReturnValue:
        """The form as a PDF."""
        mandate = self.record_or_404()
        try:
            account = request.args.get("account", "")
            account_id = identifier(account) if account else None
        except ValueError:
            abort(404)
        try:
            with transaction() as session:
                made = print_mandate(
                    session, self.find(session, mandate.id), account_id=account_id,
                    language=request.args.get("language", ""), at=clock.now(),
                    notice_days=current_app.config["SETTINGS"].notice_days,
                    actor=current_actor(),
                )  # fmt: skip
        except Refused as refused:
            flash(str(refused), "danger")
            return redirect(self.get_url(".form_view", id=mandate.id))
        return _download(made.pdf, made.name, "application/pdf", len(made.pdf))

    # Inner works ---------------------------------------------------------------------------------

    def _amended_to(self, mandate: Mandate) -> Amendment:
        """What the form starts with: the mandate, or the account that its customer has by now."""
        now = Amendment(mandate.iban, mandate.account_holder, mandate.reference, mandate.bic)
        customer = mandate.customer
        if request.args.get("to") != CUSTOMERS_ACCOUNT or not customer.iban:
            return now
        holder = customer.account_holder or mandate.account_holder
        return replace(now, iban=customer.iban, bic=customer.bic, account_holder=holder)

    def _unchanged(self, session: Any, key: int) -> Mandate:
        """The mandate, if it is still what the form was opened with."""
        fresh = self.find(session, key)
        if fresh is None:
            raise NotFound("This mandate is no longer there.")
        if request.form.get("_version") != str(fresh.version):
            raise Conflict(
                "Somebody else has changed this mandate meanwhile. Open it again and compare"
            )
        found: Mandate = fresh
        return found

    def _page(
        self,
        template: str,
        form: KontorForm,
        mandate: Mandate,
        left: list[Problem] | None = None,
        **more: Any,
    ) -> ResponseReturnValue:
        version = request.form.get("_version") or mandate.version
        back = get_redirect_target() or self.record_url(mandate)
        page: ResponseReturnValue = self.render(
            template, form=form, model=mandate, version=version, left=left or [], base="",
            once="", cancel_url=back, **more,
        )  # fmt: skip
        return page

    def _onward(self, mandate: Mandate) -> str:
        """Back to where the link stood, such as the work list, else to the record."""
        return get_redirect_target() or str(self.record_url(mandate))


def _amendment(form: Any) -> Amendment:
    return Amendment(form.iban.data, form.account_holder.data, form.reference.data, form.bic.data)


def _placed(form: KontorForm, error: KontorError) -> list[Problem]:
    if isinstance(error, Refused):
        return form.place(error.problems)
    return [Problem("", str(error))]


def _download(content: Any, name: str, media_type: str, size: int) -> Response:
    headers = {
        "Content-Disposition": dump_options_header("attachment", {"filename": name}),
        "Content-Length": str(size),
        "Cache-Control": "no-store",
    }
    return Response(content, mimetype=media_type, headers=headers)
