"""A plain Django with Simple JWT: refresh tokens rotate, and a spent one is put on the blacklist."""
import os
from datetime import timedelta


def seconds(name):
    return timedelta(seconds=float(os.environ[name]))


SECRET_KEY = os.environ["DJANGO_SIGNING_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]

# Django's own answers a path without its last slash, as in every new project.
MIDDLEWARE = ["trouble.middleware", "django.middleware.common.CommonMiddleware"]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["DJANGO_DATABASE_PORT"],
        "USER": "postgres",
        "NAME": os.environ["DJANGO_DATABASE"],
    }
}

# The tests are about tokens; a slow hash would only make signing in slow.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

SIMPLE_JWT = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": os.environ["DJANGO_SIGNING_KEY"],
    "ACCESS_TOKEN_LIFETIME": seconds("DJANGO_ACCESS_SECONDS"),
    "REFRESH_TOKEN_LIFETIME": seconds("DJANGO_REFRESH_SECONDS"),
}

# An error's traceback goes to where a failed test shows it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
