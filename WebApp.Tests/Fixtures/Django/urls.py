from django.urls import path
from rest_framework_simplejwt import views as tokens

import views

urlpatterns = [
    path("api/token/", tokens.TokenObtainPairView.as_view()),
    path("api/token/refresh/", tokens.TokenRefreshView.as_view()),
    path("api/token/verify/", tokens.TokenVerifyView.as_view()),
    path("api/token/blacklist/", tokens.TokenBlacklistView.as_view()),
    path("api/me/", views.Me.as_view()),
    path("api/echo/", views.Echo.as_view()),
]
