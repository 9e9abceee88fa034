"""The main job of Kontor, as four people do it in the panel: steps 1 to 5 of its first issue."""

from tests.browser import steps
from tests.browser.conftest import Site, Watched


def test_the_main_job_from_the_first_import_to_the_export(watched: Watched, site: Site) -> None:
    steps.log_in(watched, site, "operations")
    watched.shot("dashboard")
    steps.import_file(watched, "Journals", "journals_kbart.tsv", good=1007, refused_rows=0)
    steps.import_file(
        watched, "Individual customers", "individual_customers.xlsx", good=387, refused_rows=13
    )
    steps.import_file(
        watched, "Business customers", "business_customers.xlsx", good=130, refused_rows=3
    )
    steps.import_file(
        watched, "Perpetual customers", "perpetual_customers.xlsx", good=663, refused_rows=3
    )
