"""Loaded once, before the workers are forked: makes the accounts that are missing, then serves."""
import json
import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
application = get_wsgi_application()


def make_accounts():
    from django.contrib.auth.models import User
    from django.db import connections

    known = set(User.objects.values_list("username", flat=True))
    for account in json.loads(os.environ["DJANGO_USERS"]):
        if account["name"] not in known:
            User.objects.create_user(account["name"], password=account["password"], is_active=account["active"])

    # A connection must not be shared with the workers.
    connections.close_all()


make_accounts()
