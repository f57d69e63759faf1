"""The Django project: tables, the websocket feed, desks and pages."""
