"""The app: `thinkbench app`. Each page is a file in views/."""

import streamlit as st

from workbench.app import address

st.set_page_config(page_title="thinkbench", layout="wide")

page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page(
            "views/audit/page.py", url_path="audit", title="Audit", icon=":material/fact_check:"
        ),
        st.Page("views/failures.py", title="Failures", icon=":material/search:"),
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
address.begin(page.url_path)
try:
    page.run()
finally:  # a page that has nothing more to show stops
    address.to_address()
