from django.urls import path

from webapp.setup.views import basics, guideline, images, schema, start, targets

app_name = "setup"
urlpatterns = [
    path("", basics.projects, name="projects"),
    path("new/", basics.new, name="new"),
    path("<int:pk>/setup/name/", basics.basics, name="basics"),
    path("<int:pk>/setup/discard/", basics.discard, name="discard"),
    path("<int:pk>/setup/pictures/", images.images, name="images"),
    path("<int:pk>/setup/pictures/upload/", images.upload, name="upload"),
    path("<int:pk>/setup/classes/", schema.schema, name="schema"),
    path("<int:pk>/setup/guideline/", guideline.guideline, name="guideline"),
    path("<int:pk>/examples/<int:version>/<int:number>.jpg", guideline.example, name="example"),
    path("<int:pk>/setup/targets/", targets.targets, name="targets"),
    path("<int:pk>/setup/people/", targets.people, name="people"),
    path("<int:pk>/setup/people/invite/", targets.invite, name="invite"),
    path("<int:pk>/setup/start/", start.review, name="start"),
    path("<int:pk>/setup/opening/<int:run>/", start.opening, name="opening"),
    path("<int:pk>/setup/started/", start.started, name="started"),
]
