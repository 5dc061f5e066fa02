"""Writes down what comes and goes, and makes the trouble that a test has ordered in `trouble.json`."""
import json
import os
import socket
import time
from pathlib import Path

from django.http import HttpResponse, StreamingHttpResponse

FOLDER = Path(os.environ["DJANGO_FOLDER"])

# All processes append to it; a line is written in one piece, and before the answer leaves.
LOG = os.open(FOLDER / "requests.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def middleware(get_response):
    def handle(request):
        line = f"{request.method} {request.path}"
        os.write(LOG, f"> {line}\n".encode())
        response = answer(request, get_response)
        os.write(LOG, f"< {line} {response.status_code}\n".encode())
        return response

    return handle


def answer(request, get_response):
    trouble = find(request.path)
    if trouble is None:
        return get_response(request)

    wait(trouble, "before")
    response = made(trouble["instead"]) if trouble["instead"] else get_response(request)
    if trouble["afterwards"]:
        response = made(trouble["afterwards"])

    wait(trouble, "after")
    return cut(request, response, trouble["cut"])


def ordered():
    try:
        return json.loads((FOLDER / "trouble.json").read_text())
    except FileNotFoundError:
        return []


def find(path):
    return next((each for each in ordered() if path.startswith(each["path"]) and is_due(each)), None)


def is_due(trouble):
    """Only so many requests meet it: whoever makes one of that many files first."""
    if trouble["times"] is None:
        return True

    for turn in range(trouble["times"]):
        try:
            os.close(os.open(FOLDER / f"trouble-{trouble['id']}-{turn}", os.O_CREAT | os.O_EXCL))
            return True
        except FileExistsError:
            pass

    return False


def wait(trouble, when):
    time.sleep(trouble[f"seconds_{when}"])
    while trouble["hold"] == when and any(each["id"] == trouble["id"] for each in ordered()):
        time.sleep(0.01)


def made(wanted):
    response = HttpResponse(wanted["body"], status=wanted["status"], content_type=wanted["type"])
    if wanted["location"]:
        response["Location"] = wanted["location"]

    return response


def cut(request, response, how):
    if how == "unanswered":
        request.META["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
    elif how == "halfway":
        return half(response)

    return response


def half(response):
    """Announces all of the body and breaks off in the middle of it."""

    def body():
        yield response.content[: len(response.content) // 2]
        raise ConnectionAbortedError("A test has ordered it.")

    broken = StreamingHttpResponse(body(), status=response.status_code, content_type=response["Content-Type"])
    broken["Content-Length"] = len(response.content)
    return broken
