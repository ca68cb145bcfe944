"""The app behind its gate: what `thinkbench app` serves."""

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from workbench.app.auth import Gate, rules_of
from workbench.jobs import looked_after

app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=looked_after,
    middleware=[Middleware(Gate, rules=rules_of(os.environ))],
)
