"""What a site behind a gateway has to show: who asks, and what has arrived."""
import time

from django.http import StreamingHttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

PIECE = 64 * 1024


class Me(APIView):
    def get(self, request):
        return Response({"id": request.user.id, "name": request.user.username})


class Echo(APIView):
    """Says what it was asked; with `?pieces=3&pause=0.5` in that many pieces, each sent as soon as it is there."""

    def handle(self, request):
        length = 0
        # Read in pieces, so that a large body is never in memory at once.
        while piece := request._request.read(PIECE):
            length += len(piece)

        if "pieces" in request.GET:
            return StreamingHttpResponse(pieces(request.GET), content_type="text/plain")

        return Response(
            {
                "user": request.user.username,
                "method": request.method,
                "path": request.get_full_path(),
                "headers": dict(request.headers),
                "length": length,
            }
        )

    get = post = put = patch = delete = handle


def pieces(query):
    for number in range(int(query["pieces"])):
        if number:
            time.sleep(float(query.get("pause", 0)))
        yield f"piece {number}\n"
