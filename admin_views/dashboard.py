"""The first page: what stands in the house today, each figure leading to its list."""

from flask_admin import expose

from admin_views.access import KontorPage, needs
from app.core.permissions import Permission


class Dashboard(KontorPage):
    """True figures, as far as the operator may see them."""

    def __init__(self) -> None:
        super().__init__(name="Dashboard", endpoint="admin", url="/admin", menu_icon_value="home")

    @expose("/")
    @needs(Permission.DASHBOARD_VIEW)
    def index(self) -> str:
        """The figures."""
        return self.render("admin/dashboard.html", title="Dashboard")
