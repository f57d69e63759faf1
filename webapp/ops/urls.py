from django.urls import path, re_path

from webapp.ops import actions, acts_views, people_views, quality_views, reopen_views, target_views, views

app_name = "ops"
urlpatterns = [
    path("", views.room_page, name="room"),
    path("live/", views.live, name="live"),
    path("projects/<int:pk>/pause/", views.pause, name="pause"),
    path("projects/<int:pk>/kinds/", views.pause_some, name="pause-kind"),
    path("projects/<int:pk>/audits/", target_views.audits, name="audits"),
    path("projects/<int:pk>/target/", target_views.target, name="target"),
    path("projects/<int:pk>/target/undo/", target_views.undo_target, name="undo-target"),
    path("projects/<int:pk>/quality/", quality_views.quality, name="quality"),
    path("projects/<int:pk>/quality/<str:which>/", quality_views.items, name="items"),
    path("datasets/<int:pk>/", views.dataset, name="dataset"),
    path("datasets/<int:pk>/pause/", views.pause_one, name="pause-dataset"),
    path("datasets/<int:pk>/reopen/", reopen_views.reopen_dataset, name="reopen"),
    path("reopenings/<int:pk>/", reopen_views.decide_reopening, name="reopening"),
    path("objects/<int:pk>/", actions.item, name="object"),
    path("objects/<int:pk>/reopen/", actions.reopen_object, name="reopen-object"),
    path("alerts/<int:pk>/acknowledge/", actions.acknowledge_alert, name="acknowledge"),
    path("appeals/<int:pk>/", actions.appeal, name="appeal"),
    path("acts/", acts_views.acts, name="acts"),
    path("acts/<int:pk>/undo/", acts_views.undo_act, name="undo-act"),
    path("people/", people_views.people, name="people"),
    path("people/move/", people_views.move, name="move"),
    path("people/<int:pk>/", people_views.person, name="person"),
    path("notes/", people_views.notes, name="notes"),
    path("notes/<int:pk>/withdraw/", people_views.withdraw, name="withdraw-note"),
    path("scenes/<int:pk>/", views.scene, name="scene"),
    re_path(r"^scenes/(?P<pk>\d+)/(?P<size>preview|thumb)\.jpg$", views.preview, name="preview"),
]
