"""The Streamlit app: its server, sign-in, shared state, addresses."""
