"""How the Django admin is asked: its test client, logged in as a superuser."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

PAGE = 50


class DjangoPeer:
    """How this peer is asked. Only one in a process: Django has its settings once."""

    first_page = "/admin/django_admin/customer/"

    def __init__(self, database: Path) -> None:
        os.environ["BENCH_DJANGO_DATABASE"] = str(database.resolve())
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django_admin.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        self.client = self._logged_in()

    @staticmethod
    def _logged_in():  # type: ignore[no-untyped-def]
        from django.contrib.auth.models import User
        from django.test import Client

        user = User.objects.filter(is_superuser=True).first()
        user = user or User.objects.create_superuser("bench", "bench@example.com", "bench")
        client = Client()
        client.force_login(user)
        return client

    def get(self, url: str) -> str:
        answer = self.client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return answer.content.decode()

    def last_page(self, customers: int) -> str:
        return f"{self.first_page}?p={(customers - 1) // PAGE + 1}"

    def search(self, term: str) -> str:
        return f"{self.first_page}?q={term}"

    def filtered(self, given: Mapping[str, str], sort: str, descending: bool) -> str:
        from django.contrib import admin

        from bench.peers.django_admin.models import Customer

        # It counts the columns of its list from 1; 0 is the box in front of each row.
        column = admin.site.get_model_admin(Customer).list_display.index(sort) + 1
        wanted = {f"{name}__exact": value for name, value in given.items()}
        return f"{self.first_page}?{urlencode(wanted | {'o': -column if descending else column})}"
