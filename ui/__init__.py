"""The user interface: Streamlit pages, drawing functions, two components. It calls use cases and holds no rules."""
