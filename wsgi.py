"""What the web server and `flask --app wsgi` load."""

import gc

from app import create_app
from app.cli import is_own_command

app = create_app(pages=not is_own_command())
# What is there from the start stays: to look through all of it for garbage held up a request for
# a tenth of a second now and then.
gc.freeze()
