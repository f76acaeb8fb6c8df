from rest_framework.routers import DefaultRouter

from benchmarks.heartbeats.naive.views import AgentViewSet

router = DefaultRouter()
router.register("agents", AgentViewSet)

urlpatterns = router.urls
