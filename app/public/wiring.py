"""Binds the public pages to an application, with the purposes that they serve."""

from flask import Flask

from app.accounts import invitations
from app.accounts.models import LinkPurpose
from app.accounts.rules import SHORTEST_PASSWORD
from app.customers import accounts as customer_accounts
from app.public.set_password import PasswordPage, blueprint, register_purpose

SHOP_PAGES = (
    (
        LinkPurpose.CUSTOMER_REGISTRATION,
        "Choose your password",
        "Your account opens with it.",
    ),
    (
        LinkPurpose.CUSTOMER_PASSWORD_RESET,
        "Choose a new password",
        "It takes the place of the old one.",
    ),
)


def register(app: Flask) -> None:
    """Make the pages known."""
    for purpose, title, intro in SHOP_PAGES:
        register_purpose(
            PasswordPage(
                purpose,
                name="shop",
                title=title,
                intro=intro,
                done="Log in to the shop with your email address and the new password.",
                shortest=customer_accounts.shortest_password,
                check=customer_accounts.check_link,
                apply=customer_accounts.choose_password,
            )
        )
    register_purpose(
        PasswordPage(
            LinkPurpose.OPERATOR_INVITATION,
            name="panel",
            title="Choose your password",
            intro="You log in to Kontor with it.",
            done="Log in to Kontor with your email address and the new password.",
            shortest=lambda: SHORTEST_PASSWORD,
            check=invitations.check_link,
            apply=invitations.accept,
            next_endpoint="security.login",
            next_label="Log in",
        )
    )
    app.register_blueprint(blueprint)
