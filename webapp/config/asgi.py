"""ASGI entry point: websockets through Channels, HTTP through WSGI threads.

Django's own ASGI handler costs about 2 ms of processor time a request (a thread hop per middleware hook); the same
pages as WSGI in a thread pool cost a quarter of that.
"""

import os

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter

from webapp.config.wsgi import application as wsgi  # sets Django up before anything below needs its apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")

from webapp.config.probes import Probes, lifespan
from webapp.config.websockets import websockets

http = WSGIMiddleware(wsgi, workers=4)  # type: ignore[arg-type]  # both say WSGI, with types of their own
application = ProtocolTypeRouter({"http": Probes(http), "websocket": websockets, "lifespan": lifespan})
