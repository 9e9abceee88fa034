"""The first page: what stands in the house today, each figure leading to its list."""

from flask_admin import expose

from admin_views.access import KontorPage, needs
from admin_views.figures import figures, latest_jobs, newcomers
from app.accounts.identity import current_actor
from app.core.permissions import Permission
from app.extensions import db
from app.jobs.queries import STATE_LABELS


class Dashboard(KontorPage):
    """True figures, as far as the operator may see them."""

    def __init__(self) -> None:
        super().__init__(name="Dashboard", endpoint="admin", url="/admin", menu_icon_value="home")

    @expose("/")
    @needs(Permission.DASHBOARD_VIEW)
    def index(self) -> str:
        """The figures, the newcomers of the last months, and the latest jobs."""
        actor, session = current_actor(), db.session()
        return str(
            self.render(
                "admin/dashboard.html",
                figures=figures(session, actor),
                bars=newcomers(session) if actor.may(Permission.CUSTOMERS_VIEW) else [],
                jobs=latest_jobs(session, actor) if actor.may(Permission.JOBS_VIEW) else None,
                states=STATE_LABELS,
            )
        )
