"""Addresses of what the engine's people-facing helpers offer over HTTP."""

from django.urls import path

from webapp.pipeline.refiner import RefineMask

urlpatterns = [path("api/v1/refine/<int:microtask>", RefineMask.as_view(), name="refine-mask")]
