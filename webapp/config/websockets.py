"""Socket addresses and who is on the other end."""

from typing import Any
from urllib.parse import parse_qs

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path
from rest_framework.authtoken.models import Token

from webapp.feed.consumer import FeedConsumer


class TokenAuth:
    """Authenticates scripts by `?token=`; browsers come with their session cookie, whose origin is checked."""

    def __init__(self, app: Any, browser: Any) -> None:
        self.app, self.browser = app, browser

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        key = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not key:
            return await self.browser(scope, receive, send)
        person = await database_sync_to_async(_person)(key)
        return await self.app({**scope, "user": person}, receive, send)


def _person(key: str) -> Any:
    token = Token.objects.select_related("user__organisation").filter(key=key, user__is_active=True).first()
    return token.user if token else None


_router = URLRouter([path("ws/feed/", FeedConsumer.as_asgi())])
websockets = TokenAuth(_router, AllowedHostsOriginValidator(AuthMiddlewareStack(_router)))
