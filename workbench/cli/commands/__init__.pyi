from .models import run as run
