"""What the mails about shop accounts say."""

REGISTRATION_SUBJECT = "Your account: please choose a password"
REGISTRATION = """\
Good day {name},

an account for our shop was opened for you. You log in with this email address:

    {email}

Choose your password here:

    {{link}}

The link works once, and for 7 days. If it is too old by then, ask us for a new one.
If you expected no such message, you need not do anything.
"""

RESET_SUBJECT = "Your account: choose a new password"
RESET = """\
Good day {name},

somebody asked for a new password for your account with this email address:

    {email}

Choose it here:

    {{link}}

The link works once, and for 24 hours. Until then your present password stays as it is.
If it was not you who asked, you need not do anything.
"""
