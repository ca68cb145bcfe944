"""The app that `thinkbench app` serves: its pages, each a file or a folder of views/."""

import streamlit as st

from workbench.app import address
from workbench.app.frame import begin_window, explained, name_window

page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page(
            "views/audit/page.py", url_path="audit", title="Audit", icon=":material/fact_check:"
        ),
        st.Page(
            "views/failures/page.py",
            url_path="failures",
            title="Failures",
            icon=":material/search:",
        ),
        st.Page(
            "views/rollouts/page.py",
            url_path="rollouts",
            title="Rollouts",
            icon=":material/timeline:",
        ),
        st.Page(
            "views/compare/page.py",
            url_path="compare",
            title="Compare",
            icon=":material/compare_arrows:",
        ),
        st.Page(
            "views/curate/page.py", url_path="curate", title="Curate", icon=":material/filter_alt:"
        ),
        st.Page(
            "views/lineage/page.py",
            url_path="lineage",
            title="Lineage",
            icon=":material/account_tree:",
        ),
        st.Page(
            "views/train/page.py", url_path="train", title="Train", icon=":material/model_training:"
        ),
    ]
)
begin_window(page.title)
address.begin(page.url_path)
try:
    with explained():
        page.run()
finally:  # also after st.stop()
    address.write_defaults()
    name_window(page.title, page.url_path)
