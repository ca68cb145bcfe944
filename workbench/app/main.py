"""The app that `thinkbench app` serves: its pages, each a file or a folder of views/."""

import streamlit as st

from workbench.app import address
from workbench.app.frame import begin_window, draw_sidebar, explained, name_window, pages_of_app

pages = pages_of_app()
page = st.navigation(list(pages.values()), position="hidden")
begin_window(page.title)
address.begin(page.url_path)
draw_sidebar(page.url_path, pages)
try:
    with explained():
        page.run()
finally:  # also after st.stop()
    address.write_defaults()
    address.remember()
    name_window(page.title, page.url_path)
