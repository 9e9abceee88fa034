"""What the web server and `flask --app wsgi` load."""

from app import create_app
from app.cli import is_own_command

app = create_app(pages=not is_own_command())
