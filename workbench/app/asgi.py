"""The ASGI application that `thinkbench app` serves: the app behind its access control."""

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from workbench.app.auth import Gate, rules_of
from workbench.app.lifespan import lifespan

app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=lifespan,
    middleware=[Middleware(Gate, rules=rules_of(os.environ))],
)
