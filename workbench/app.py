"""The app: `thinkbench app`. Each page is a file in views/."""

import streamlit as st

from workbench import unasked

st.set_page_config(page_title="thinkbench", layout="wide")

page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/audit.py", title="Audit", icon=":material/fact_check:"),
        st.Page("views/failures.py", title="Failures", icon=":material/search:"),
        st.Page("views/rollouts.py", title="Rollouts", icon=":material/timeline:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("views/curate.py", title="Curate", icon=":material/filter_alt:"),
        st.Page("views/lineage.py", title="Lineage", icon=":material/account_tree:"),
        st.Page("views/train.py", title="Train", icon=":material/model_training:"),
    ]
)
unasked.begin(page.url_path)
try:
    page.run()
finally:  # a page that has nothing more to show stops
    unasked.to_address()
