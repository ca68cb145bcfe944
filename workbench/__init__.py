"""What people touch: the command line, the app. The only floor that imports streamlit."""
